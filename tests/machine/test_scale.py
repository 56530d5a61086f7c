"""A thousand units, of which two hundred fail within a second."""

import json
from typing import Any

import pytest

from machine import product
from machine.healctl import healctl
from machine.machine import Machine

WELL, FAILING = 800, 200
CRITICAL = {"search.service", "store.service"}      # by name they would come last
AT_ONCE = 3                                         # whoever is seen before it is known for a storm
AN_HOUR = 10                                        # incidents that are worked on


def status(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(healctl(machine, "status", "--json").stdout)
    return found


def worked(machine: Machine) -> set[str]:
    """The subjects of the incidents in which something was done."""
    return {incident["subject"] for incident in status(machine)["incidents"] if incident["actions"]}


@pytest.mark.long
def test_all_are_seen_the_limits_hold_and_the_critical_come_first(machine: Machine, clean: None) -> None:
    product.add_unit(machine, "calm@.target", "[Unit]\n")
    product.add_unit(machine, "many@.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
    for name in CRITICAL:
        product.add_service(machine, name)
        machine.run("systemctl", "add-requires", "default.target", name)
    names = [*(f"many@{n}.service" for n in range(FAILING - len(CRITICAL))), *CRITICAL]
    machine.run("systemctl", "start", *names, *(f"calm@{n}.target" for n in range(WELL)))
    machine.run("systemctl", "start", "heald.service")
    machine.run("systemctl", "kill", "--signal=KILL", *names)
    product.wait_until(lambda: len(status(machine)["incidents"]) == FAILING, "all are seen")
    product.wait_until(lambda: len(worked(machine)) == AN_HOUR, "as many are worked on as may be")
    product.wait_until(lambda: status(machine)["limits"]["incidents_left"] == 0, "no more are")
    product.wait_until(lambda: len(status(machine)["issues"]) == FAILING - AN_HOUR, "they are well")
    assert {product.state(machine, name) for name in CRITICAL} == {"active"}
    began = sorted((incident["actions"][0]["started"], incident["subject"])
                   for incident in status(machine)["incidents"] if incident["actions"])
    assert {subject for _, subject in began[:AT_ONCE + len(CRITICAL)]} > CRITICAL
