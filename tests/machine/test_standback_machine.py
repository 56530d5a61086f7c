"""Each reason to keep the hands off, made for real: the unit stays down, `healctl status` says why, and no rule helps.

Where a reason passes, the same unit is healed afterwards: nothing but it was in the way. Here: the machine's.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from machine import product
from machine.judged import held, is_healed, is_healed_when_killed, reason, stands_back, start
from machine.machine import Machine


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> None:
    start(machine)


@contextmanager
def inhibitor(machine: Machine, what: str) -> Iterator[None]:
    """A block inhibitor of logind's, really taken, by a program that calls itself apt."""
    with held(machine, "systemd-inhibit", f"--what={what}", "--who=apt", "--mode=block", "sleep", "infinity"):
        product.wait_until(lambda: "apt" in machine.run("systemd-inhibit", "--list").stdout, "it is taken")
        yield


def test_packages_are_installed(machine: Machine) -> None:
    with inhibitor(machine, "shutdown"):
        product.add_service(machine, "packages.service")
        product.kill(machine, "packages.service")
        stands_back(machine, "packages.service", "packages")
        assert "apt" in reason(machine, "packages.service")
    is_healed(machine, "packages.service")


def test_an_inhibitor_on_sleep_is_none_of_a_package_manager(machine: Machine) -> None:
    with inhibitor(machine, "sleep"):
        product.add_service(machine, "awake.service")
        is_healed_when_killed(machine, "awake.service")


def test_a_switch_of_generations(machine: Machine) -> None:
    lock = "/run/nixos/switch-to-configuration.lock"
    machine.write(lock, "")
    with held(machine, "flock", lock, "sleep", "infinity"):
        product.wait_until(lambda: "FLOCK" in machine.read("/proc/locks"), "it is taken")
        product.add_service(machine, "switch.service")
        product.kill(machine, "switch.service")
        stands_back(machine, "switch.service", "switch")
    assert machine.run("flock", "--nonblock", lock, "true").returncode == 0     # heald itself never takes it
    is_healed(machine, "switch.service")


def test_the_machine_is_in_rescue_mode(machine: Machine) -> None:
    machine.run("systemctl", "start", "--job-mode=ignore-dependencies", "rescue.target")
    assert machine.run("systemctl", "is-system-running", check=False).stdout == "maintenance\n"
    product.add_service(machine, "cellar.service")
    product.kill(machine, "cellar.service")
    stands_back(machine, "cellar.service", "boot")
    machine.run("systemctl", "stop", "rescue.target")
    is_healed(machine, "cellar.service")


def test_logind_says_that_the_machine_goes_down_or_sleeps(machine: Machine) -> None:
    def say(signal: str, start: str) -> None:
        machine.run("busctl", "call", "org.freedesktop.login1", "/org/freedesktop/login1",
                    "org.freedesktop.login1.Manager", "Say", "sb", signal, start)

    machine.run("systemctl", "mask", "--now", "systemd-logind.service")
    with held(machine, "/usr/bin/python3", "-I", f"{product.SOURCE}/tests/machine/logind.py"):
        product.wait_until(lambda: "login1" in machine.run("busctl", "list", "--acquired").stdout, "it is there")
        for signal, word in (("PrepareForShutdown", "shutdown"), ("PrepareForSleep", "sleep")):
            say(signal, "true")
            product.add_service(machine, f"{word}-now.service")
            product.kill(machine, f"{word}-now.service")
            stands_back(machine, f"{word}-now.service", word)
            say(signal, "false")
            if word == "shutdown":
                is_healed(machine, "shutdown-now.service")
        product.wait_until(lambda: reason(machine, "sleep-now.service").startswith("woke: "), "it woke just now")
    machine.run("systemctl", "unmask", "systemd-logind.service")
