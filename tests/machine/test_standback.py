"""Each reason to keep the hands off, made for real: the unit stays down, `healctl status` says why, and no rule helps.

Where a reason passes, the same unit is healed afterwards: nothing but it was in the way. Here: a unit's own.
"""

import pytest

from machine import product
from machine.judged import is_healed, is_healed_when_killed, reason, stands_back, start, unwatched
from machine.machine import Machine


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> None:
    start(machine)


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


@pytest.mark.parametrize("key", ["Wants", "Requires"])
def test_a_start_would_start_what_a_person_stopped(machine: Machine, key: str) -> None:
    base, top = f"base-{key.lower()}.service", f"top-{key.lower()}.service"
    product.add_service(machine, base)
    product.add_service(machine, top, unit=f"{key}={base}\nAfter={base}")
    with unwatched(machine):
        product.kill(machine, top)
        machine.run("systemctl", "stop", base)
    stands_back(machine, top, "needs")
    assert base in reason(machine, top)
    assert product.heal(machine, "HealService", "start", top, user="root").error == "Protected"
    assert product.state(machine, base) == "inactive"
    machine.run("systemctl", "start", base)
    is_healed(machine, top)


def test_but_not_what_a_socket_starts_when_it_is_called_for(machine: Machine) -> None:
    """It leaves when nobody needs it: that it is down is nobody's wish."""
    product.add_unit(machine, "idle.socket", "[Socket]\nListenStream=/run/idle.sock\n")
    product.add_service(machine, "idle.service", start=False)
    machine.run("systemctl", "start", "idle.socket", "idle.service")
    product.add_service(machine, "caller.service", unit="Wants=idle.service\nAfter=idle.service")
    machine.run("systemctl", "kill", "--signal=TERM", "idle.service")
    product.wait_until(lambda: product.state(machine, "idle.service") == "inactive", "it has left")
    is_healed_when_killed(machine, "caller.service")


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


@pytest.mark.long
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
    is_healed_when_killed(machine, "clean.service")
    machine.run("systemctl", "stop", "clean.service")
    assert product.state(machine, "clean.service") == "inactive"
    query = "SELECT halted FROM incidents WHERE subject = 'clean.service'"
    program = f"import sqlite3; print(sqlite3.connect('/var/lib/heald/history.db').execute(\"{query}\").fetchall())"
    product.wait_until(lambda: machine.run("python3", "-c", program).stdout == "[(1,)]\n", "it is remembered")


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
