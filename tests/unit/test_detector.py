"""Thresholds, hysteresis, severities, health."""

from dataclasses import replace

import pytest

from heald.detector import Seen, detect, health, issues
from heald.model import Issue, Severity
from heald.readings import FileSystem, Machine, PathMode, Snapshot, Unit
from heald.settings import Rule, Settings
from heald.thresholds import Thresholds

GIB = 1 << 30
Memory = dict[tuple[str, str], Seen]


def look(now: float, memory: Memory | None = None, settings: Settings | None = None, **parts: object) -> Memory:
    return detect(Snapshot(now, Machine(), **parts), settings or Settings(), memory or {})  # type: ignore[arg-type]


def disk(percent: float, size: int = 40 * GIB) -> tuple[FileSystem]:
    used = int(size * percent / 100)
    return (FileSystem("/", "/dev/a", "ext4", size, used, size - used),)


def full(memory: Memory) -> bool:
    return bool(issues(memory))


def test_disk_must_be_full_for_a_minute() -> None:
    seen = look(0, filesystems=disk(91))
    assert not full(seen)
    assert full(look(60, seen, filesystems=disk(91)))


def test_a_minute_is_not_added_up() -> None:
    seen = look(0, filesystems=disk(91))
    seen = look(50, seen, filesystems=disk(70))
    assert not full(look(61, seen, filesystems=disk(91)))


@pytest.mark.parametrize(("percent", "size", "is_full"), [
    (91, 40 * GIB, True), (91, 400 * GIB, False), (89, 40 * GIB, False), (99, 2000 * GIB, False),
])
def test_full_is_both_used_and_little_left(percent: float, size: int, is_full: bool) -> None:
    seen = look(0, filesystems=disk(percent, size))
    assert full(look(60, seen, filesystems=disk(percent, size))) is is_full


def test_what_was_full_clears_at_80_percent_and_what_was_not_does_not_begin_there() -> None:
    seen = look(60, look(0, filesystems=disk(91)), filesystems=disk(91))
    assert full(look(90, seen, filesystems=disk(85)))
    assert not full(look(90, seen, filesystems=disk(79)))
    assert not full(look(90, filesystems=disk(85)))


def test_clears_also_where_15_gib_are_free() -> None:
    seen = look(60, look(0, filesystems=disk(91, 100 * GIB)), filesystems=disk(91, 100 * GIB))
    assert full(look(90, seen, filesystems=disk(86, 100 * GIB)))
    assert not full(look(90, seen, filesystems=disk(84, 100 * GIB)))


@pytest.mark.parametrize(("percent", "size", "severity"), [
    (92, 40 * GIB, Severity.HIGH), (97.1, 40 * GIB, Severity.CRITICAL), (98.5, 20 * GIB, Severity.CRITICAL),
    (96, GIB, Severity.HIGH),
])
def test_critical(percent: float, size: int, severity: Severity) -> None:
    seen = look(60, look(0, filesystems=disk(percent, size)), filesystems=disk(percent, size))
    assert issues(seen)[0].severity is severity


def test_critical_counts_from_the_first_look() -> None:
    assert full(look(0, filesystems=disk(97.5)))


def test_a_part_that_was_not_read_keeps_what_was_known() -> None:
    seen = look(0, filesystems=disk(98), units=(Unit("a.service", active_state="failed"),))
    assert len(issues(look(1, seen))) == 2
    assert len(issues(look(1, seen, units=()))) == 1


@pytest.mark.parametrize(("facts", "severity"), [
    ({}, Severity.HIGH),
    ({"needed": True}, Severity.CRITICAL),
    ({"service_type": "oneshot", "needed": True}, Severity.MEDIUM),
    ({"triggered_by": ("a.timer",)}, Severity.MEDIUM),
    ({"triggered_by": ("a.socket",)}, Severity.HIGH),
])
def test_severity_of_a_failed_unit(facts: dict[str, object], severity: Severity) -> None:
    unit = replace(Unit("a.service", active_state="failed"), **facts)  # type: ignore[arg-type]
    assert issues(look(0, units=(unit,)))[0].severity is severity


def test_an_open_unit_that_is_activating_stays_open_until_the_outcome() -> None:
    seen = look(0, units=(Unit("a.service", active_state="failed"),))
    assert full(look(1, seen, units=(Unit("a.service", active_state="activating"),)))
    assert not full(look(1, seen, units=(Unit("a.service", active_state="active"),)))
    assert not full(look(1, seen, units=(Unit("a.service", active_state="inactive"),)))
    assert not full(look(1, units=(Unit("a.service", active_state="activating"),)))


def test_permissions() -> None:
    assert not full(look(0, paths=(PathMode("/tmp", 0o1777, 0, 0),)))
    (issue,) = issues(look(0, paths=(PathMode("/tmp", 0o755, 0, 0),)))
    assert (issue.value, issue.threshold) == ("0755 0:0", "1777 0:0")
    assert full(look(0, paths=(PathMode("/tmp", 0o1777, 1000, 0),)))


def test_a_rules_for_replaces_the_kinds_own() -> None:
    settings = Settings(rules=(Rule("slow", "unit-failed", wait=30),))
    unit = (Unit("a.service", active_state="failed"),)
    seen = look(0, settings=settings, units=unit)
    assert not full(seen)
    assert seen["unit-failed", "a.service"].due == 30
    assert full(look(30, seen, settings, units=unit))


def test_one_look_waits_for_nothing() -> None:
    assert issues(detect(Snapshot(0, Machine(), filesystems=disk(91)), Settings(), {}, at_once=True))


def test_thresholds_are_the_users() -> None:
    settings = Settings(thresholds=Thresholds(disk_percent=50, disk_free=30 * GIB))
    assert full(look(60, look(0, None, settings, filesystems=disk(60)), settings, filesystems=disk(60)))


def test_the_worst_first_then_the_oldest() -> None:
    seen = look(0, units=(Unit("b.service", active_state="failed"),))
    seen = look(5, seen, units=(Unit("a.service", active_state="failed"), Unit("b.service", active_state="failed")),
                filesystems=disk(98))
    assert [i.subject for i in issues(seen)] == ["/", "b.service", "a.service"]


@pytest.mark.parametrize(("severities", "left"), [
    ([], 100), ([Severity.CRITICAL], 60), ([Severity.HIGH], 80), ([Severity.MEDIUM], 92), ([Severity.LOW], 98),
    ([Severity.HIGH] * 5, 60), ([Severity.CRITICAL] * 9, 20),
])
def test_health(severities: list[Severity], left: int) -> None:
    assert health(Issue("a", str(n), s, 0, "", "", "") for n, s in enumerate(severities)) == left


def test_health_counts_two_of_each_kind_and_never_falls_below_0() -> None:
    many = [Issue(kind, str(n), Severity.CRITICAL, 0, "", "", "") for kind in "abcd" for n in range(3)]
    assert health(many) == 0
