"""`healctl` where something is in its way: one line says what, the exit code says of which kind."""

import pytest

from machine import product
from machine.healctl import break_unit, document, healctl
from machine.machine import Machine

pytestmark = pytest.mark.usefixtures("clean")


@pytest.mark.parametrize(("into", "code", "told"), [
    ("> /dev/full", 1, "healctl: standard output: No space left on device"), ("| true", 0, ""),
])
def test_output_that_nobody_takes(machine: Machine, into: str, code: int, told: str) -> None:
    done = machine.run("bash", "-c", f"set -o pipefail; sleep 0; healctl check {into}", check=False)
    assert (done.returncode, done.stderr.strip()) == (code, told)


def test_a_uid_without_a_name_or_a_home_is_told_in_one_line(machine: Machine) -> None:
    for program in (("healctl", "heal", "--dry-run"), ("heald", "--dry-run")):
        done = machine.run("setpriv", "--reuid=54321", "--clear-groups", *program, check=False,
                           env={"PATH": "/usr/bin:/bin"})
        assert (done.returncode, done.stdout) == (4, "")        # the bus wants to know who it is
        assert done.stderr.count("\n") == 1


def test_a_person_without_leave_is_refused(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    done = healctl(machine, "heal", "--yes", "--json", user="nobody", HOME="/tmp/home-of-nobody")
    [incident] = document(done)["incidents"]
    assert done.returncode == 3
    assert incident["outcome"] == "refused"
    assert [action["result"] for action in incident["actions"]] == ["InteractiveAuthorizationRequired"]
    assert product.state(machine, "shop.service") == "failed"


def test_a_helper_that_cannot_be_reached_is_told(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    machine.run("systemctl", "mask", "--quiet", "heald-helper.service")
    done = healctl(machine, "heal", "--yes")
    assert done.returncode == 4
    assert "heald-helper.service is masked" in done.stdout
    assert product.state(machine, "shop.service") == "failed"


@pytest.mark.parametrize("command", ["check", "status", "heal"])
def test_without_a_bus_it_is_out_of_reach_in_one_line(machine: Machine, command: str) -> None:
    nowhere = "unix:path=/nowhere"
    done = healctl(machine, command, user="nobody", DBUS_SYSTEM_BUS_ADDRESS=nowhere)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("healctl: no connection to the system bus at unix:path=/nowhere")
    assert done.stderr.count("\n") == 1


def test_a_history_that_is_not_there_yet_is_empty(machine: Machine) -> None:
    done = healctl(machine, "history")
    assert (done.returncode, done.stdout) == (0, "nothing has happened yet\n")


def test_without_a_daemon_its_state_is_out_of_reach(machine: Machine) -> None:
    done = healctl(machine, "status")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.count("\n") == 1
    assert "systemctl start heald" in done.stderr


@pytest.mark.parametrize(("text", "told"), [
    ('mood = "auto"\n', 'heald.toml: mood: unknown key; did you mean "mode"?'),
    ("[sense]\ninterval = 5\n", 'heald.toml: sense.interval: must be a time span such as "30s", not 5'),
    ('[[rule]]\nname = "x"\nkind = "unit-failed"\nladder = ["service/explode"]\n',
     'heald.toml: rule[1].ladder: "service/explode" is no operation'),
    ("mode =\n", "heald.toml: Invalid value (at line 1, column 7)"),
])
@pytest.mark.parametrize("command", ["check", "heal", "rules"])
def test_a_configuration_that_cannot_be_used_has_its_place_named(
        machine: Machine, text: str, told: str, command: str) -> None:
    machine.write("/etc/heald/heald.toml", text)
    done = healctl(machine, command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("healctl: /etc/heald/")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["explode"], ["heal", "--force"], ["history", "--count", "0"], ["check", "this"]])
def test_wrong_usage_is_two(machine: Machine, words: list[str]) -> None:
    assert healctl(machine, *words).returncode == 2
