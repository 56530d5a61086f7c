"""README and docs are done as they say, in a machine: each command line that they show, each file that they have.

One machine and one document after the other, the README first, which installs heald. A line may end with 1, where a
command tells that issues remain; that it is used wrongly, or does not find what it needs, it may not.
"""

import re
from pathlib import Path

import pytest

import documents
from machine import product
from machine.machine import Machine

pytestmark = pytest.mark.long

ELSEWHERE = {"extending.md"}            # test_extending.py, in a copy of the tree
ITS_OWN = re.compile(r"busctl (monitor|call)")          # test_readme.py: one ends never, one wants no daemon
TELLS = re.compile(r"healctl (check|heal|status|dashboard)\b")          # these tell of issues by exit code 1
WRITTEN = ("/etc/", "/usr/")            # below these a document has files written
KILLS = re.compile(r"kill --signal=KILL (\S+)")         # a person types slower than heald sees it
SAME = "rules test"                     # prints the same each time
PLAYED = [file for file in documents.DOCUMENTS if file.name not in ELSEWHERE]


def commands(step: documents.Step) -> list[str]:
    return [line for line in step.commands if not ITS_OWN.search(line)]


def play(machine: Machine, file: Path) -> list[str]:
    """Does what the document says; returns what did not go as it says."""
    wrong, asked, answer = [], "", ""
    for step in documents.steps(file.read_text()):
        if step.file.startswith(WRITTEN):
            machine.write(step.file, step.text, "755" if step.text.startswith("#!") else "644")
        if step.language == "text" and SAME in asked and not shown(step.text, answer):
            wrong.append(f"{asked} prints\n{answer}and not\n{step.text}")
        asked = ""
        for command in commands(step):
            done = machine.run("sh", "-c", f"cd {product.SOURCE} && {command}", check=False)
            asked, answer = command, done.stdout
            if killed := KILLS.search(command):
                is_seen(machine, killed[1])
            if done.returncode > (TELLS.search(command) is not None) or "Traceback" in done.stderr:
                wrong.append(f"{command}: ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return wrong


def is_seen(machine: Machine, unit: str) -> None:
    product.wait_until(lambda: unit in machine.run("healctl", "history", "--json").stdout, f"heald has seen {unit}")


def shown(text: str, answer: str) -> bool:
    """Whether each line of the text was printed, in this order; "…" leaves some out."""
    rest = iter(answer.splitlines())
    return all(line in rest for line in text.splitlines() if line.strip() != documents.REST)


@pytest.mark.parametrize("file", PLAYED, ids=lambda file: file.name)
def test_every_command_line_works(bare: Machine, file: Path) -> None:
    if not bare.exists("/usr/bin/healctl"):
        product.make(bare, "install")
    bare.run("rm", "-rf", "/etc/heald")
    bare.run("systemctl", "restart", "heald.service")
    assert play(bare, file) == []
    if after := AFTERWARDS.get(file.name):
        after(bare)


def hello_is_healed(machine: Machine) -> None:
    product.wait_until(lambda: product.state(machine, "hello.service") == "active", "it was healed after the week")


def shop_is_restarted(machine: Machine) -> None:
    """The probe saw that it hangs, and root let it be restarted."""
    product.wait_until(lambda: '"probe-failed"' in machine.run("healctl", "history", "--json").stdout, "it is seen")
    product.wait_until(lambda: machine.run("curl", "--silent", "--max-time", "1", "http://127.0.0.1:8099/",
                                           check=False).returncode == 0, "it answers again")


AFTERWARDS = {"first-five-minutes.md": hello_is_healed, "rules-and-probes.md": shop_is_restarted}


def test_nothing_is_shown_that_nobody_tries() -> None:
    """Blocks of commands are `sh`, tried here; `console` is for those that cannot be: make, which boots machines."""
    kinds = {step.language for file in documents.DOCUMENTS for step in documents.steps(file.read_text())}
    assert kinds <= {"sh", "console", "toml", "ini", "text", "json", "yaml", "nix", "diff", "python"}
    untried = [line for file in documents.DOCUMENTS for step in documents.steps(file.read_text())
               if step.language == "console" for line in step.text.splitlines()]
    assert untried == ["make demo", "make test", "make deb",
                       "sudo apt install ./build/deb/heald-helper_*.deb ./build/deb/heald_*.deb"]      # tests/deb
    assert sum(len(commands(step)) for file in PLAYED for step in documents.steps(file.read_text())) > 20
