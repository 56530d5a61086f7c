"""Each reason to keep the hands off, and the cases beside it that are none."""

from dataclasses import replace

import pytest

from heald.model import Issue, Severity
from heald.readings import Machine, Unit
from heald.standback import reason, stopped

DEAD = Unit("a.service", active_state="failed", sub_state="failed", result="exit-code", service_type="simple",
            main_start=100, main_exit=900, active_exit=901)


def why(unit: Unit = DEAD, machine: Machine | None = None, now: float = 1000) -> str:
    return reason(Issue("unit-failed", unit.name, Severity.HIGH, 0, "", "", "", unit=unit), machine or Machine(), now)


def test_no_reason() -> None:
    assert why() == ""


@pytest.mark.parametrize(("facts", "word"), [
    ({"load_state": "masked"}, "masked: "),
    ({"job": 12}, "job: "),
    ({"active_state": "activating", "sub_state": "auto-restart"}, "restarting: "),
    ({"active_state": "activating", "sub_state": "start"}, "job: "),
    ({"active_exit": 899}, "stopped: "),
    ({"name": "heald-helper.service"}, "own: "),
    ({"name": "heald.service"}, "own: "),
    ({"reload": True}, "reload: "),
    ({"clustered": True}, "cluster: "),
    ({"failure_action": "FailureAction=reboot"}, "failure-action: "),
    ({"conflicts": ("b.service",)}, "conflicts: "),
    ({"stopped_needs": ("b.service",)}, "needs: "),
    ({"exits": (0, 203)}, "exit: "),
    ({"exits": (200,)}, "exit: "),
    ({"exits": (243,)}, "exit: "),
    ({"prevented": True}, "exit: "),
])
def test_a_units_reasons(facts: dict[str, object], word: str) -> None:
    assert why(replace(DEAD, **facts)).startswith(word)  # type: ignore[arg-type]


@pytest.mark.parametrize(("machine", "word"), [
    (Machine("starting", up=599), "boot: "),
    (Machine("initializing", up=5), "boot: "),
    (Machine("starting", up=601), ""),
    (Machine("maintenance", up=9999), "boot: "),
    (Machine("degraded"), ""),
    (Machine("stopping"), "shutdown: "),
    (Machine(shutting_down=True), "shutdown: "),
    (Machine(sleeping=True), "sleep: "),
    (Machine(woke=950), "woke: "),
    (Machine(woke=930), ""),
    (Machine(packages="apt"), "packages: "),
    (Machine(switching=True), "switch: "),
    (Machine(short_of_memory=True), ""),
])
def test_the_machines_reasons(machine: Machine, word: str) -> None:
    assert why(machine=machine).partition(" ")[0] == word.strip()


@pytest.mark.parametrize("facts", [
    {"exits": (0, 199)}, {"exits": (244,)}, {"exits": (203,), "touched": True}, {"prevented": True, "touched": True},
    {"result": "oom-kill"},
])
def test_what_is_no_reason(facts: dict[str, object]) -> None:
    assert why(replace(DEAD, **facts)) == ""  # type: ignore[arg-type]


def test_killed_for_memory_while_there_is_too_little() -> None:
    assert why(replace(DEAD, result="oom-kill"), Machine(short_of_memory=True)).startswith("oom: ")


def test_what_is_paused_until_then() -> None:
    issue = Issue("disk-full", "/", Severity.HIGH, 0, "", "", "")
    assert reason(issue, Machine(paused={"/": "12:00"}), 1000).startswith("paused: by a person until 12:00")
    assert reason(issue, Machine(paused={"/srv": "12:00"}), 1000) == ""


def test_what_is_paused_is_not_acted_on_for_another_issue() -> None:
    issue = Issue("memory-low", "machine", Severity.HIGH, 0, "", "", "", culprit="big.service")
    assert reason(issue, Machine(paused={"big.service": "12:00"}), 1000) == (
        "paused: by a person until 12:00; healctl resume big.service")
    assert reason(issue, Machine(paused={"other.service": "12:00", "": "12:00"}), 1000) == ""


def test_a_stop_that_was_seen_and_one_that_was_systemds() -> None:
    issue = Issue("unit-failed", DEAD.name, Severity.HIGH, 0, "", "", "", unit=DEAD)
    assert reason(issue, Machine(), 1000, halted=True).startswith("stopped: ")
    taken = replace(issue, unit=replace(DEAD, active_exit=899))
    assert reason(taken, Machine(), 1000).startswith("stopped: ")
    assert reason(taken, Machine(), 1000, taken=True) == ""


@pytest.mark.parametrize(("facts", "is_stopped"), [
    ({}, False),                                                    # a crash: the process first, then the state
    ({"active_exit": 899}, True),                                   # a stop: the state first
    ({"active_exit": 899, "result": "watchdog"}, False),            # systemd's own stop
    ({"active_exit": 899, "result": "oom-kill"}, False),
    ({"active_exit": 899, "result": "timeout"}, True),              # a stop that hung
    ({"active_exit": 899, "result": "timeout", "runtime_max": 5}, False),
    ({"active_exit": 50}, False),                                   # never active in this run; the journal is silent
    ({"active_exit": 50, "newest_job": "stop"}, True),
    ({"active_exit": 50, "newest_job": "restart"}, False),          # a restart whose start failed
    ({"main_start": 0, "newest_job": "stop"}, True),                # a socket or a mount
    ({"main_start": 0, "newest_job": "start"}, False),
    ({"newest_job": "stop"}, False),                                # the stamps know better
])
def test_a_persons_stop_that_ended_as_a_failure(facts: dict[str, object], is_stopped: bool) -> None:
    assert stopped(replace(DEAD, **facts)) is is_stopped  # type: ignore[arg-type]
