"""The kinds of issue: each is one row of TABLE, and one function that says of each of its subjects how it is. Pure.

Ill, well, or between: past the level that clears, not past the one that begins.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from heald.model import Issue, Severity
from heald.probes import IN_A_ROW
from heald.quantities import amount
from heald.readings import Answer, FileSystem, Part, PathMode, Unit
from heald.settings import Thresholds

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """How one subject is. `ill` None means between."""

    ill: bool | None
    issue: Issue
    wait: float                 # seconds that it must be ill before it counts


def _unit_failed(units: Iterable[Unit], _: Thresholds) -> Iterator[Finding]:
    """Failed is ill; on its way up or down is between, so that an open issue waits for the outcome."""
    for unit in units:
        ill = {"failed": True, "activating": None, "deactivating": None}.get(unit.active_state, False)
        severity = Severity.CRITICAL if unit.needed else Severity.HIGH
        if unit.service_type == "oneshot" or any(t.endswith(".timer") for t in unit.triggered_by):
            severity = Severity.MEDIUM
        state = f"{unit.active_state} ({unit.result})" if unit.active_state == "failed" else unit.active_state
        detail = f"{unit.name} is {state}"
        if unit.result == "exit-code":
            detail += f", its main process ended with status {unit.exec_main_status}"
        issue = Issue("unit-failed", unit.name, severity, 0, unit.active_state, "failed", detail, unit=unit)
        yield Finding(ill, issue, 0)


def _disk_full(filesystems: Iterable[FileSystem], mark: Thresholds) -> Iterator[Finding]:
    """Clears 10 points below its percentage, or at one and a half of its free bytes: root's own marks by default."""
    for fs in filesystems:
        ill: bool | None = fs.percent >= mark.disk_percent and fs.available < mark.disk_free
        if not ill and fs.percent > mark.disk_percent - 10 and fs.available < mark.disk_free * 1.5:
            ill = None
        least = GIB if fs.size >= 50 * GIB else fs.size * 2 // 100
        critical = fs.percent >= 97 or fs.available < least
        severity = Severity.CRITICAL if critical else Severity.HIGH
        detail = f"{fs.mount} is {fs.percent:.0f} % full, {amount(fs.available)} free"
        issue = Issue("disk-full", fs.mount, severity, 0, round(fs.percent, 1), mark.disk_percent, detail)
        yield Finding(ill, issue, 0 if critical else 60)


def _permissions_wrong(paths: Iterable[PathMode], _: Thresholds) -> Iterator[Finding]:
    for path in paths:
        is_, want = _owned(path.mode, path.uid, path.gid), _owned(path.want_mode, path.want_uid, path.want_gid)
        detail = f"{path.path} is {is_}, it should be {want}"
        yield Finding(is_ != want, Issue("permissions-wrong", path.path, Severity.HIGH, 0, is_, want, detail), 0)


def _probe_failed(answers: Iterable[Answer], _: Thresholds) -> Iterator[Finding]:
    """Each probed unit by the probe that goes worst. One that is stopped owes no answer; one that has failed, or is
    on its way up or down, is between, so that an open issue waits for the outcome."""
    worst: dict[str, Answer] = {}
    for answer in sorted(answers, key=lambda a: 0.5 if a.failures is None else a.failures):
        worst[answer.unit.name] = answer
    for name, answer in worst.items():
        unit, count = answer.unit, min(answer.failures or 0, IN_A_ROW)
        ill = True if count == IN_A_ROW else False if answer.failures == 0 else None
        if unit.active_state != "active" or unit.job:
            count, ill = 0, False if unit.active_state == "inactive" and not unit.job else None
        detail = f"{name} is active, but {answer.address} fails: {answer.why}"
        issue = Issue("probe-failed", name, Severity.HIGH, 0, count, IN_A_ROW, detail, unit=unit)
        yield Finding(ill, issue, 0)


def _owned(mode: int, uid: int, gid: int) -> str:
    return f"{mode:04o} {uid}:{gid}"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of issue: the part of the snapshot that it is read from, and what finds it there."""

    part: Part
    find: Callable[[Any, Thresholds], Iterator[Finding]]


TABLE: dict[str, Row] = {
    "unit-failed": Row(Part.UNITS, _unit_failed),
    "disk-full": Row(Part.STORAGE, _disk_full),
    "permissions-wrong": Row(Part.PERMISSIONS, _permissions_wrong),
    "probe-failed": Row(Part.PROBES, _probe_failed),
}
