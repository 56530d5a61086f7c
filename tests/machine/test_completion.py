"""Tab in a real bash, zsh and fish, as installed: commands, options, and what only the daemon knows."""

import pytest

from machine import product
from machine.healctl import break_unit, document, healctl
from machine.machine import Machine
from machine.terminal import terminal

BASH = """\
. /usr/share/bash-completion/completions/healctl
COMP_WORDS=({line}"{last}") COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_healctl && printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def offered(machine: Machine, shell: str, line: str) -> set[str]:
    """What a shell offers after this line."""
    if shell == "fish":
        done = machine.run("fish", "--command", f"complete --do-complete 'healctl {line}'",
                           env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"})
    else:
        words, _, last = f"healctl {line}".rpartition(" ")
        done = machine.run("bash", "-c", BASH.format(line=f"{words} ", last=last))
    return {row.partition("\t")[0] for row in done.stdout.splitlines() if row}


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.usefixtures("clean")
def test_a_tab_offers_what_fits(machine: Machine, shell: str) -> None:
    assert offered(machine, shell, "he") == {"heal"}
    assert offered(machine, shell, "rules t") == {"test"}
    assert offered(machine, shell, "heal --d") == {"--dry-run"}
    assert offered(machine, shell, "rules test unit-f") == {"unit-failed", "unit-flapping"}
    assert offered(machine, shell, "rules test --severity h") == {"high"}
    assert offered(machine, "bash", "rules test --severity high mem") == {"memory-low"}    # fish takes high for KIND
    assert offered(machine, shell, "pause systemd-journald.se") == {"systemd-journald.service"}
    assert offered(machine, shell, "pause shop.service 2") == {"2h"}
    assert offered(machine, shell, "config check /usr/lib/os-rel") == {"/usr/lib/os-release"}
    assert offered(machine, shell, "heal ") - {"--dry-run"} == set()      # no daemon: nothing, and no error


@pytest.mark.usefixtures("clean")
def test_what_the_daemon_knows_is_offered(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", 'mode = "observe"\n')
    machine.run("systemctl", "start", "heald.service")
    break_unit(machine, "shop.service")
    product.wait_until(lambda: healctl(machine, "status").returncode == 1, "the daemon has seen it")
    healctl(machine, "pause", "shop.service", "1h")
    [issue] = document(healctl(machine, "status", "--json"))["issues"]
    for shell in ("bash", "fish"):
        assert offered(machine, shell, "heal ") == {issue["id"]}
        assert offered(machine, shell, "resume ") == {"shop.service"}


def test_zsh_completes_at_a_prompt(machine: Machine) -> None:
    with terminal([*machine.enter(), "env", "-i", "PATH=/usr/bin:/bin", "HOME=/tmp", "TERM=xterm", "zsh", "-f", "-i"],
                  (24, 120)) as screen:
        screen.type("autoload -U compinit && compinit -u -D && echo it is re''ady\n")
        screen.wait_for("it is ready")
        for typed, becomes in (("healctl doc\t", "healctl doctor"), ("healctl heal --dr\t", "healctl heal --dry-run"),
                               ("healctl rules te\t", "healctl rules test"),
                               ("healctl rules test --severity crit\t", "severity critical")):
            screen.shown = ""
            screen.type(typed)
            screen.wait_for(becomes)
            screen.type("\x15")
        screen.type("exit\n")
        screen.read_to_end()
