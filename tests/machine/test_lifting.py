"""A unit that uses most of the processors is limited as its rule says, and free again when that or heald ends."""

import json
from typing import Any

import pytest

from machine import played, product
from machine.machine import Machine
from machine.test_pressure import set_marks

LIMITS = """\
[sense]
interval = "1s"
[thresholds]
cpu-busy = 0.001
[[rule]]
name = "spin"
kind = "cpu-busy"
for = "0s"
mode = "{mode}"
ladder = ["resource/limit-cpu"]
"""


def watch(machine: Machine, mode: str) -> None:
    """heald.service runs, and spin.service has a processor for itself."""
    played.play(machine)
    played.press(machine, cpu=90)
    set_marks(machine, there=False)
    machine.write("/etc/heald/heald.toml", LIMITS.format(mode=mode))
    product.add_unit(machine, "spin.service", "[Service]\nExecStart=/bin/sh -c 'while :; do :; done'\n")
    machine.run("systemctl", "start", "spin.service", "heald.service")


def weight(machine: Machine) -> str:
    return product.state(machine, "spin.service", "CPUWeight")


def incident(machine: Machine) -> dict[str, Any]:
    shown = json.loads(machine.run("healctl", "history", "--json").stdout)["incidents"]
    found = [one for one in shown if one["kind"] == "cpu-busy"]
    return found[0] if found else {"outcome": "", "actions": []}


def actions(machine: Machine) -> list[tuple[str, str, str]]:
    return [(one["operation"], one["target"], one["result"]) for one in incident(machine)["actions"]]


DONE = [("resource/limit-cpu", "spin.service", "done"), ("resource/unlimit", "spin.service", "done")]


@pytest.fixture
def limited(machine: Machine, clean: None) -> None:
    """heald.service has limited spin.service."""
    watch(machine, "auto")
    product.wait_until(lambda: actions(machine) == DONE[:1], "spin.service is limited")
    assert weight(machine) == "20"


@pytest.mark.usefixtures("limited")
def test_free_again_as_soon_as_the_issue_clears(machine: Machine) -> None:
    set_marks(machine, there=True)          # what it finds from now on is nothing
    product.wait_until(lambda: actions(machine) == DONE, "the limit is lifted")
    assert weight(machine) != "20"


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("end", [("stop", "heald.service"), ("kill", "--signal=KILL", "heald.service")])
def test_free_again_when_heald_ends(machine: Machine, end: tuple[str, ...]) -> None:
    set_marks(machine, there=True)
    machine.run("systemctl", *end)
    product.wait_until(lambda: [one[0] for one in actions(machine)][:2] == [one[0] for one in DONE], "it is recorded")
    assert weight(machine) != "20"


@pytest.mark.usefixtures("clean")
def test_a_limit_that_a_person_set_as_asked_is_lifted_by_the_daemon(machine: Machine) -> None:
    watch(machine, "ask")
    product.wait_until(lambda: incident(machine)["outcome"] == "asked", "it is asked for")
    machine.run("healctl", "heal", "--yes", check=False)
    assert weight(machine) == "20"
    product.wait_until(lambda: actions(machine) == DONE[:1], "the daemon has learned of it")
    machine.run("systemctl", "stop", "heald.service")
    assert weight(machine) != "20"
    assert actions(machine) == DONE
