"""LAYER 1: what is wrong. Pure: a Snapshot, the thresholds and what was seen before give the issues of now.

Each kind is one row of TABLE and one function that says, for each of its subjects, how it is: ill, well, or between
(past the level that clears, not past the one that begins). What was ill stays ill between; what was not does not begin.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heald.model import FileSystem, Incident, Issue, Part, PathMode, Severity, Snapshot, Unit
from heald.quantities import amount
from heald.settings import Settings, Thresholds

Key = tuple[str, str]
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """How one subject is. `ill` None means between."""

    ill: bool | None
    issue: Issue
    wait: float                 # seconds that it must be ill before it counts


@dataclass(frozen=True, slots=True)
class Seen:
    """What the detector remembers of one subject that is, or may become, an issue."""

    issue: Issue
    due: float                  # from when on it counts
    open: bool


Memory = Mapping[Key, Seen]


def detect(snapshot: Snapshot, settings: Settings, memory: Memory, *, at_once: bool = False) -> dict[Key, Seen]:
    """What is to be remembered after this snapshot; the issues are those that are `open`, see issues().

    A part that was not read keeps what was known of it. `at_once`: one look, which waits for nothing.
    """
    after: dict[Key, Seen] = {}
    for kind, row in TABLE.items():
        read = snapshot.part(row.part)
        if read is None:
            after |= {key: seen for key, seen in memory.items() if key[0] == kind}
            continue
        for found in row.find(read, settings.thresholds):
            key = found.issue.key
            seen = _remember(found, memory.get(key), settings, snapshot.now, at_once)
            if seen is not None:
                after[key] = seen
    return after


def _remember(found: Finding, before: Seen | None, settings: Settings, now: float, at_once: bool) -> Seen | None:
    if found.ill is False or (found.ill is None and not (before and before.open)):
        return None
    issue = replace(found.issue, since=before.issue.since if before else now, seen=now)
    rule = settings.rule(issue.kind, issue.subject, issue.severity)
    due = issue.since + (found.wait if rule.wait is None else rule.wait)
    return Seen(issue, due, at_once or now >= due or bool(before and before.open))


def remembered(incident: Incident) -> Seen:
    """What was open when heald ended is open until a fresh look says otherwise."""
    i = incident
    return Seen(Issue(*i.key, i.severity, i.opened, "", "", i.reason, seen=i.ill), i.opened, open=True)


def issues(memory: Memory) -> tuple[Issue, ...]:
    """The open issues, the worst first, then the oldest."""
    found = [seen.issue for seen in memory.values() if seen.open]
    return tuple(sorted(found, key=lambda i: (-i.severity, i.since, i.key)))


def health(found: Iterable[Issue]) -> int:
    """100 less 40, 20, 8, 2 for each issue by severity, at most twice for one kind. For people; it forbids nothing."""
    cost = {Severity.CRITICAL: 40, Severity.HIGH: 20, Severity.MEDIUM: 8, Severity.LOW: 2}
    of_kind: dict[str, list[int]] = {}
    for issue in found:
        of_kind.setdefault(issue.kind, []).append(cost[issue.severity])
    return max(0, 100 - sum(sum(sorted(costs)[-2:]) for costs in of_kind.values()))


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
}
