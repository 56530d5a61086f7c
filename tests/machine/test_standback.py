"""Each reason to keep the hands off, made for real: the unit stays down, `healctl status` says why, and no rule helps.

Where a reason passes, the same unit is healed afterwards: nothing but the reason was in the way.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

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


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> None:
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


@contextmanager
def held(machine: Machine, *command: str) -> Iterator[None]:
    """The command runs in a unit of its own meanwhile."""
    machine.run("systemd-run", "--quiet", "--collect", "--unit=holder.service", *command)
    try:
        yield
    finally:
        machine.run("systemctl", "stop", "holder.service")


@contextmanager
def inhibitor(machine: Machine, what: str) -> Iterator[None]:
    """A block inhibitor of logind's, really taken, by a program that calls itself apt."""
    with held(machine, "systemd-inhibit", f"--what={what}", "--who=apt", "--mode=block", "sleep", "infinity"):
        product.wait_until(lambda: "apt" in machine.run("systemd-inhibit", "--list").stdout, "it is taken")
        yield


@contextmanager
def unwatched(machine: Machine) -> Iterator[None]:
    """heald.service is not there while something is prepared that it would answer to at once."""
    machine.run("systemctl", "stop", "heald.service")
    yield
    machine.run("systemctl", "start", "heald.service")


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
        product.kill(machine, "awake.service")
        is_healed(machine, "awake.service")


def test_a_start_would_stop_another(machine: Machine) -> None:
    product.add_service(machine, "other.service")
    product.add_service(machine, "conflicts.service", start=False, unit="Conflicts=other.service")
    machine.run("systemctl", "start", "conflicts.service")
    with unwatched(machine):
        product.kill(machine, "conflicts.service")
        machine.run("systemctl", "start", "other.service")
    stands_back(machine, "conflicts.service", "conflicts")
    assert "other.service" in reason(machine, "conflicts.service")
    machine.run("systemctl", "stop", "other.service")
    is_healed(machine, "conflicts.service")


def test_its_failure_is_the_whole_machines(machine: Machine) -> None:
    """StartLimitAction= counts starts by hand. FailureAction= would be carried out at the first failure: set after."""
    product.add_service(machine, "limited.service", unit="StartLimitAction=reboot")
    product.kill(machine, "limited.service")
    stands_back(machine, "limited.service", "failure-action")
    product.add_service(machine, "action.service")
    with unwatched(machine):
        product.kill(machine, "action.service")
        product.add_unit(machine, "action.service.d/action.conf", "[Unit]\nFailureAction=reboot\n")
    stands_back(machine, "action.service", "failure-action")
    assert "FailureAction=reboot" in reason(machine, "action.service")
    product.add_unit(machine, "action.service.d/action.conf", "")
    is_healed(machine, "action.service")


def test_its_files_were_changed_and_not_read(machine: Machine) -> None:
    product.add_service(machine, "reload.service")
    machine.write("/etc/systemd/system/reload.service", "[Service]\nExecStart=/usr/bin/sleep 1000\n")
    product.kill(machine, "reload.service")
    assert product.state(machine, "reload.service", "NeedDaemonReload") == "yes"
    stands_back(machine, "reload.service", "reload")
    machine.run("systemctl", "daemon-reload")
    is_healed(machine, "reload.service")


def test_its_program_is_missing_and_then_there(machine: Machine) -> None:
    product.add_unit(machine, "exit.service", "[Service]\nExecStart=/opt/program\n")
    machine.run("systemctl", "start", "exit.service")
    product.wait_until(lambda: product.state(machine, "exit.service") == "failed", "it is failed")
    stands_back(machine, "exit.service", "exit")
    machine.write("/opt/program", "#!/bin/sh\nexec sleep infinity\n", "755")
    is_healed(machine, "exit.service")


def test_a_command_before_it_could_not_be_executed(machine: Machine) -> None:
    """The main process was never started: only the command's own record has the status."""
    product.add_unit(machine, "before.service",
                     "[Service]\nExecStartPre=/opt/absent\nExecStart=/usr/bin/sleep infinity\n")
    machine.run("systemctl", "start", "before.service", check=False)
    stands_back(machine, "before.service", "exit")


def test_its_own_exit_status_prevents_a_restart(machine: Machine) -> None:
    product.add_unit(machine, "prevents.service", "[Service]\nExecStart=/bin/sh -c 'sleep 0.2; exit 42'\n"
                     "Restart=always\nRestartPreventExitStatus=42\n")
    machine.run("systemctl", "start", "prevents.service")
    product.wait_until(lambda: product.state(machine, "prevents.service") == "failed", "it is failed")
    stands_back(machine, "prevents.service", "exit")
    product.add_service(machine, "signal.service", service="RestartPreventExitStatus=SIGKILL")
    product.kill(machine, "signal.service")
    stands_back(machine, "signal.service", "exit")


def test_pacemaker_decides(machine: Machine) -> None:
    product.add_service(machine, "cluster.service", start=False)
    product.add_unit(machine, "cluster.service.d/50-pacemaker.conf", "[Unit]\nDescription=Cluster Controlled\n")
    machine.run("systemctl", "start", "cluster.service")
    product.kill(machine, "cluster.service")
    stands_back(machine, "cluster.service", "cluster")


def test_a_person_masked_it(machine: Machine) -> None:
    machine.write("/usr/lib/systemd/system/masked.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "masked.service")
    with unwatched(machine):
        product.kill(machine, "masked.service")
        machine.run("systemctl", "mask", "masked.service")
    stands_back(machine, "masked.service", "masked")
    machine.run("systemctl", "unmask", "masked.service")
    is_healed(machine, "masked.service")


def test_a_person_stopped_what_had_failed_already(machine: Machine) -> None:
    """systemd keeps nothing of that stop: it is seen while it happens, and remembered over a restart of heald."""
    product.add_unit(machine, "loop.service", "[Service]\nExecStart=/usr/bin/false\n")
    machine.run("systemctl", "start", "loop.service")
    product.wait_until(lambda: "2 repairs" in reason(machine, "loop.service"), "two repairs")
    machine.run("systemctl", "stop", "loop.service")
    product.wait_until(lambda: reason(machine, "loop.service").startswith("stopped: "), "it stands back")
    machine.run("systemctl", "restart", "heald.service")
    product.wait_until(lambda: reason(machine, "loop.service").startswith("stopped: "), "it stands back still")
    product.add_unit(machine, "loop.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
    product.wait_until(lambda: reason(machine, "loop.service").startswith("stopped: "), "also when it was changed")
    machine.run("systemctl", "start", "loop.service")
    product.wait_until(lambda: reason(machine, "loop.service") == "", "the incident has ended")


def test_a_person_stops_cleanly_what_heald_had_started(machine: Machine) -> None:
    product.add_service(machine, "clean.service")
    product.kill(machine, "clean.service")
    is_healed(machine, "clean.service")
    machine.run("systemctl", "stop", "clean.service")
    assert product.state(machine, "clean.service") == "inactive"
    query = "SELECT halted FROM incidents WHERE subject = 'clean.service'"
    program = f"import sqlite3; print(sqlite3.connect('/var/lib/heald/history.db').execute(\"{query}\").fetchall())"
    product.wait_until(lambda: machine.run("python3", "-c", program).stdout == "[(1,)]\n", "it is remembered")


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


def test_a_job_is_queued_for_it(machine: Machine) -> None:
    product.add_unit(machine, "slow.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/sleep infinity\n")
    product.add_service(machine, "job.service", unit="After=slow.service")
    with unwatched(machine):
        product.kill(machine, "job.service")
        machine.run("systemctl", "start", "--no-block", "slow.service", "job.service")
    stands_back(machine, "job.service", "job")
    machine.run("systemctl", "stop", "slow.service")
    is_healed(machine, "job.service")


def test_systemd_itself_starts_it_again(machine: Machine) -> None:
    """It has an incident already, and then Restart= of its own."""
    product.add_unit(machine, "again.service", "[Service]\nType=notify\nExecStart=/usr/bin/false\n")
    machine.run("systemctl", "start", "again.service", check=False)
    product.wait_until(lambda: "2 repairs" in reason(machine, "again.service"), "two repairs")
    product.add_unit(machine, "again.service.d/restart.conf", "[Service]\nRestart=always\nRestartSec=1h\n")
    machine.run("systemctl", "reset-failed", "again.service")
    machine.run("systemctl", "start", "--no-block", "again.service")
    product.wait_until(lambda: product.state(machine, "again.service", "SubState") == "auto-restart", "it waits")
    product.wait_until(lambda: reason(machine, "again.service")[:11] in {"", "restarting:"}, "systemd is at it")
    assert product.state(machine, "again.service", "SubState") == "auto-restart"
    machine.run("systemctl", "stop", "again.service")


def test_a_part_of_heald(machine: Machine) -> None:
    product.add_unit(machine, "heald-run-x.service", "[Service]\nExecStart=/usr/bin/false\n")
    machine.run("systemctl", "start", "heald-run-x.service")
    stands_back(machine, "heald-run-x.service", "own")


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
