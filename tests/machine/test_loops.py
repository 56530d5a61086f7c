"""Units that do not stay up, and a machine that is well: what heald does about either over time."""

import json
import os
import time
from typing import Any

import pytest

from machine import product
from machine.healctl import healctl
from machine.machine import Machine

QUICK = """\
[sense]
interval = "1s"
[limits]
pacing = ["0s", "1s", "2s", "3s", "4s", "10m"]
"""
WATCHED = float(os.environ.get("HEALD_WATCH_SECONDS", "8"))
"""For how long a machine that is well is watched: 120 in the run of everything."""


@pytest.fixture(autouse=True)
def daemon(machine: Machine, clean: None) -> None:
    """heald.service runs, and waits seconds where it would wait minutes."""
    machine.write("/etc/heald/heald.toml", QUICK)
    machine.write("/etc/heald/helper.toml", "[limits]\nburst = 100\n")
    machine.run("systemctl", "start", "heald.service")


def incidents(machine: Machine, kind: str = "unit-failed") -> list[dict[str, Any]]:
    known = json.loads(healctl(machine, "history", "--json").stdout)["incidents"]
    return [incident for incident in known if incident["kind"] == kind]


def repairs(machine: Machine) -> int:
    """Of the one incident, if it is there already."""
    return sum(len(incident["actions"]) for incident in incidents(machine))


def test_a_unit_that_always_dies_after_some_seconds(machine: Machine) -> None:
    """It climbs the ladder at the pace, and heald says once that it gave up."""
    product.add_unit(machine, "dies.service", "[Service]\nExecStart=/bin/sh -c 'sleep 0.5; exit 1'\n")
    machine.run("systemctl", "start", "dies.service")
    product.wait_until(lambda: bool(incidents(machine)) and incidents(machine)[0]["outcome"] == "gave-up", "given up")
    [incident] = incidents(machine)
    assert [a["operation"] for a in incident["actions"]] == ["service/start", "service/repair", *["service/start"] * 3]
    said = machine.journal("-u", "heald.service").splitlines()
    assert len([line for line in said if "dies.service" in line and "gave-up" in line]) == 1


def test_a_unit_that_fails_five_times_in_an_hour(machine: Machine) -> None:
    """By hand, whenever it is up: one incident, each repair later than the one before, and it is told that it flaps."""
    product.add_service(machine, "five.service")
    for count in range(5):
        machine.run("systemctl", "kill", "--signal=KILL", "five.service")
        product.wait_until(lambda n=count: repairs(machine) == n + 1, f"{count + 1} repairs")  # type: ignore[misc]
        product.wait_until(lambda: product.state(machine, "five.service") == "active", "it is up")
    product.wait_until(lambda: bool(incidents(machine, "unit-flapping")), "it flaps")
    product.kill(machine, "five.service")
    product.wait_until(lambda: incidents(machine)[0]["outcome"] == "gave-up", "given up for ten minutes")
    assert len(incidents(machine)) == 1
    assert product.state(machine, "five.service") == "failed"


def test_a_unit_that_systemd_restarts_again_and_again_flaps(machine: Machine) -> None:
    """It is told, and nothing is done: systemd is at it."""
    product.add_unit(machine, "flaps.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\n"
                     "RestartSec=300ms\nExecStart=/usr/bin/sleep 0.3\n")
    machine.run("systemctl", "start", "flaps.service")
    product.wait_until(lambda: bool(incidents(machine, "unit-flapping")), "it flaps")
    [incident] = incidents(machine, "unit-flapping")
    assert (incident["subject"], incident["outcome"], incident["actions"]) == ("flaps.service", "observed", [])
    assert "was restarted" in machine.journal("-u", "heald.service")
    machine.run("systemctl", "stop", "flaps.service")


@pytest.mark.parametrize("busy", [False, True], ids=["quiet", "200 starts and stops a minute"])
def test_a_machine_that_is_well_is_left_alone(machine: Machine, busy: bool) -> None:
    """Neither an action nor a call of the helper."""
    for n in range(10):
        product.add_service(machine, f"well{n}.service", start=False)
    machine.run("systemctl", "start", *(f"well{n}.service" for n in range(10)))
    end, count = time.monotonic() + WATCHED, 0
    while time.monotonic() < end:
        if busy:
            machine.run("systemctl", "stop" if count // 10 % 2 else "start", f"well{count % 10}.service")
            count += 1
        time.sleep(0.25)
    assert json.loads(healctl(machine, "history", "--json").stdout)["incidents"] == []
    assert product.state(machine, "heald-helper.service") == "inactive"
    assert healctl(machine, "check").returncode == 0
