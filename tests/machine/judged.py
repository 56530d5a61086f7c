"""What heald says of a unit in a machine, and that it keeps its hands off or heals it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from machine import product
from machine.healctl import healctl
from machine.machine import Machine

RULES = """\
[sense]
interval = "1s"
[limits]
pacing = ["0s", "1s", "1h"]
incidents_per_hour = 1000
[[rule]]
name = "all the same"
kind = "unit-failed"
ladder = ["service/start", "service/repair"]
"""


def start(machine: Machine) -> None:
    """heald.service runs, with a rule of a user's that would start whatever has failed."""
    machine.write("/etc/heald/heald.toml", RULES)
    machine.run("systemctl", "start", "heald.service")


def reason(machine: Machine, name: str) -> str:
    """Why heald does what it does about the unit, as `healctl status` has it."""
    known = json.loads(healctl(machine, "status", "--json").stdout)
    return next((i["reason"] for i in known["incidents"] if (i["kind"], i["subject"]) == ("unit-failed", name)), "")


def stands_back(machine: Machine, name: str, word: str) -> None:
    """It says so in words, in status and to a person who asks for a repair, and does nothing."""
    product.wait_until(lambda: reason(machine, name).startswith(f"{word}: "), f"it stands back from {name}: {word}")
    assert f"     {word}: " in healctl(machine, "status").stdout
    rehearsed = json.loads(healctl(machine, "heal", "--dry-run", "--json").stdout)
    [incident] = [i for i in rehearsed["incidents"] if i["subject"] == name]
    assert incident["reason"].startswith(f"{word}: ")
    assert incident["actions"] == []
    assert product.state(machine, name) == "failed"
    known = json.loads(healctl(machine, "status", "--json").stdout)
    [seen] = [i for i in known["incidents"] if i["subject"] == name]
    assert (seen["outcome"], seen["actions"]) == ("stood-back", [])


def is_healed(machine: Machine, name: str) -> None:
    product.wait_until(lambda: product.state(machine, name) == "active", f"{name} was started")


def is_healed_when_killed(machine: Machine, name: str) -> None:
    """Kills it and waits for another run. That it is failed in between may be too short to be seen."""
    run = product.state(machine, name, "InvocationID")
    machine.run("systemctl", "kill", "--signal=KILL", name)
    product.wait_until(lambda: product.state(machine, name, "InvocationID") != run, f"{name} was started again")
    is_healed(machine, name)


@contextmanager
def held(machine: Machine, *command: str) -> Iterator[None]:
    """The command runs in a unit of its own meanwhile."""
    machine.run("systemd-run", "--quiet", "--collect", "--unit=holder.service", *command)
    try:
        yield
    finally:
        machine.run("systemctl", "stop", "holder.service")


@contextmanager
def unwatched(machine: Machine) -> Iterator[None]:
    """heald.service is not there while something is prepared that it would answer to at once."""
    machine.run("systemctl", "stop", "heald.service")
    yield
    machine.run("systemctl", "start", "heald.service")
