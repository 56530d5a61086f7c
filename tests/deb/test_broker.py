"""`make install` on a machine whose bus is dbus-broker, as on Fedora and Arch: it reads the same policy, and heals.

Debian's own dbus-broker, put into the machine alone: on a host it would become the bus of every machine booted from it.
"""

import subprocess
from collections.abc import Iterator

import pytest

from deb import packages
from machine import product
from machine.judged import is_healed_when_killed
from machine.machine import CannotBootError, Machine


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    folder = packages.BUILT / "dbus-broker"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "--quiet", "download", "dbus-broker"], cwd=folder, check=True, capture_output=True)
    try:
        with Machine.boot() as booted:
            packages.apt(booted, "install", f"{product.SOURCE}/build/{folder.name}/{max(folder.iterdir()).name}")
            booted.reboot()
            product.make(booted, "install")
            booted.run("systemctl", "start", "heald.service")
            yield booted
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")


def test_all_is_well(machine: Machine) -> None:
    assert product.state(machine, "dbus.service", "Id") == "dbus-broker.service"
    assert machine.run("pgrep", "dbus-broker").stdout
    assert machine.run("pgrep", "dbus-daemon", check=False).stdout == ""
    assert machine.run("healctl", "doctor").stdout.splitlines()[0].endswith("all is well")


def test_a_killed_service_is_healed(machine: Machine) -> None:
    product.add_service(machine, "shop.service")
    is_healed_when_killed(machine, "shop.service")


def test_nobody_else_may_take_a_name_of_heald_s(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service", "heald-helper.service")
    for name in ("org.heald.Helper1", "org.heald.Controller1"):
        taken = machine.run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                            "RequestName", "su", name, "4", user="nobody", check=False)
        assert "not allowed" in taken.stderr or "denied" in taken.stderr.lower(), taken.stderr
