"""From SIGKILL to running again: heald with its helper warm, beside systemd's own RestartSec=0 in the same run.

And of what systemd tells of a unit nothing is passed over that heald goes by.

The figures are printed, not judged: they depend on the host and on its neighbours.
"""

import json
from statistics import median

import pytest

from heald.bus.systemd import SYSTEMD, unit_path
from heald.bus.unit import WANTED
from machine import product
from machine.machine import Machine

KILLS = 15
HEALD = '[limits]\npacing = ["0s"]\nincidents_per_hour = 100000\n'
ROOT = "[limits]\nper_hour = 10000\nburst = 10000\n"


def kill_often(machine: Machine, unit: str, count: int) -> list[float]:
    """Milliseconds from each SIGKILL to running again."""
    kills = ("/usr/bin/python3", "-I", f"{product.SOURCE}/tests/machine/kills.py", unit, str(count))
    return [float(line) for line in machine.run(*kills, timeout=400).stdout.split()]


def test_every_killed_run_is_followed_by_another(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.write("/etc/heald/heald.toml", HEALD)
    machine.write("/etc/heald/helper.toml", ROOT)
    machine.run("systemctl", "start", "heald.service")
    # Killed so often, a unit reaches systemd's start limit, which is not what is measured here.
    product.add_service(machine, "by-heald.service", unit="StartLimitIntervalSec=0")
    product.add_service(machine, "by-systemd.service", unit="StartLimitIntervalSec=0",
                        service="Restart=always\nRestartSec=0")
    kill_often(machine, "by-heald.service", 1)      # warms the helper
    heald = kill_often(machine, "by-heald.service", KILLS)
    systemd = kill_often(machine, "by-systemd.service", KILLS)
    with capsys.disabled():
        print(f"\nfrom SIGKILL to running again, median of {KILLS}: heald {median(heald):.1f} ms, "
              f"systemd with RestartSec=0 {median(systemd):.1f} ms")
    assert len(heald) == len(systemd) == KILLS
    assert product.state(machine, "by-heald.service") == "active"


def test_all_that_is_wanted_of_a_service_is_a_property_of_one(bare: Machine) -> None:
    """A name that systemd does not know would be missed by nobody else."""
    shown = bare.run("busctl", "call", "--json=short", SYSTEMD, unit_path("dbus.service"),
                     "org.freedesktop.DBus.Properties", "GetAll", "s", "").stdout
    [properties] = json.loads(shown)["data"]
    assert {key.decode() for key in WANTED} - properties.keys() == set()
