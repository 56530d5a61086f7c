"""The kinds of issue: each is one row of TABLE, and one function that says of each of its subjects how it is. Pure.

Ill, well, or between: past the level that clears, not past the one that begins.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from heald.bonds import fallen_from
from heald.gauges import GAUGES, Gauge, culprit, state, subject
from heald.model import Issue, Severity
from heald.probes import IN_A_ROW
from heald.quantities import amount
from heald.readings import Answer, FileSystem, Part, PathMode, Unit
from heald.thresholds import Thresholds

GIB = 1 << 30
FLAPS, FLAPS_A_DAY = 5, 20      # restarts, by systemd or by heald, in ten minutes or in a day


@dataclass(frozen=True, slots=True)
class Finding:
    """How one subject is. `ill` None means between; of who is well nothing need be found."""

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
        detail += _changed_by(unit)
        issue = Issue("unit-failed", unit.name, severity, 0, unit.active_state, "failed", detail, unit=unit,
                      between=unit.between)
        yield Finding(ill, issue, 0)


def _changed_by(unit: Unit) -> str:
    return f"; generation {unit.between.partition('-')[0]} of the system changed it" if unit.between else ""


def _unit_blocked(units: Iterable[Unit], _: Thresholds) -> Iterator[Finding]:
    """It went down with a unit that it requires, that one is up again, and it is not.

    Between: on its way up, and for as long as it stays down though somebody wants it. Only for five minutes is it known
    to have fallen, but it is no better then.
    """
    known = {unit.name: unit for unit in units}
    for unit in known.values():
        cause = fallen_from(unit, known)
        ill = True if cause else None if _may_come(unit, known) else False
        if ill is False:
            continue
        now = f"went down with {cause}, which is up again" if cause else f"is {unit.active_state}"
        issue = Issue("unit-blocked", unit.name, Severity.HIGH, 0, unit.active_state, "active", f"{unit.name} {now}",
                      unit=unit)
        yield Finding(ill, issue, 0)


def _may_come(unit: Unit, known: Mapping[str, Unit]) -> bool:
    """Whether it is on its way up, or down though somebody wants it, and of what it requires nothing is known to be."""
    if unit.active_state != "inactive":
        return unit.active_state == "activating"
    needs = (known[name] for name in unit.requires if name in known)
    return unit.load_state == "loaded" and unit.wanted and all(one.active_state == "active" for one in needs)


def _unit_flapping(units: Iterable[Unit], _: Thresholds) -> Iterator[Finding]:
    """Clears when it was not restarted for ten minutes. No repair is up to it, hence nothing to stand back from."""
    for unit in units:
        short, day = unit.flaps
        ill = True if short >= FLAPS or day >= FLAPS_A_DAY else None if short else False
        if ill is False:
            continue
        detail = f"{unit.name} was restarted {short} times in 10 minutes, {day} times in a day"
        issue = Issue("unit-flapping", unit.name, Severity.MEDIUM, 0, short, FLAPS, detail + _changed_by(unit),
                      between=unit.between)
        yield Finding(ill, issue, 0)


def _disk_full(filesystems: Iterable[FileSystem], mark: Thresholds) -> Iterator[Finding]:
    """Clears 10 points below its percentage, or at one and a half of its free bytes: root's own marks by default."""
    for fs in filesystems:
        if fs.boots:
            continue
        ill: bool | None = fs.percent >= mark.disk_percent and fs.available < mark.disk_free
        if not ill and fs.percent > mark.disk_percent - 10 and fs.available < mark.disk_free * 1.5:
            ill = None
        if ill is False:
            continue
        least = GIB if fs.size >= 50 * GIB else fs.size * 2 // 100
        critical = fs.percent >= 97 or fs.available < least
        severity = Severity.CRITICAL if critical else Severity.HIGH
        detail = f"{fs.mount} is {fs.percent:.0f} % full, {amount(fs.available)} free"
        issue = Issue("disk-full", fs.mount, severity, 0, round(fs.percent, 1), mark.disk_percent, detail,
                      frees=fs.frees)
        yield Finding(ill, issue, 0 if critical else 60)


def _boot_full(filesystems: Iterable[FileSystem], mark: Thresholds) -> Iterator[Finding]:
    """Where kernels lie. No service needs room there, but the next update does."""
    for fs in filesystems:
        if fs.boots and fs.percent > mark.disk_percent - 10:
            ill = True if fs.percent >= mark.disk_percent else None
            detail = f"{fs.mount} is {fs.percent:.0f} % full, {amount(fs.available)} free: the next kernel may not fit"
            yield Finding(ill, Issue("boot-full", fs.mount, Severity.HIGH, 0, round(fs.percent, 1), mark.disk_percent,
                                     detail), 60)


def _permissions_wrong(paths: Iterable[PathMode], _: Thresholds) -> Iterator[Finding]:
    for path in paths:
        now, right = (path.mode, path.uid, path.gid), (path.want_mode, path.want_uid, path.want_gid)
        if now != right:
            is_, want = _owned(*now), _owned(*right)
            detail = f"{path.path} is {is_}, it should be {want}"
            yield Finding(True, Issue("permissions-wrong", path.path, Severity.HIGH, 0, is_, want, detail), 0)


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


def _past_its_mark(gauges: Iterable[Gauge], readings: Iterable[Any], mark: Thresholds) -> Iterator[Finding]:
    for reading in readings:
        for gauge in gauges:
            levels = gauge.levels(reading, mark)
            value, ill = levels[0].value, state(levels)
            if value is None or ill is False:
                continue
            blamed, said = culprit(reading, gauge)
            issue = Issue(gauge.kind, subject(reading), gauge.severity, 0, round(value, 1), levels[0].mark,
                          gauge.detail.format(r=reading) + said, culprit=blamed, frees=getattr(reading, "frees", None))
            yield Finding(ill, issue, gauge.wait)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of issue: the part of the snapshot that it is read from, and what finds it there.

    The rest is for people, in docs/issues.md; what GAUGES already says is left out.
    """

    part: Part
    find: Callable[[Any, Thresholds], Iterator[Finding]]
    of: str = ""                # what its subjects are
    when: str = ""              # wrong when; filled in from the thresholds
    wait: str = "0"
    severity: str = "high"


TABLE: dict[str, Row] = {
    "unit-failed": Row(Part.UNITS, _unit_failed, "a unit", "failed", severity=(
        "high; critical where default.target requires it; medium for a oneshot, or what a timer starts")),
    "unit-blocked": Row(Part.UNITS, _unit_blocked, "a unit",
                        "down since a unit that it needs failed, which is well again"),
    "unit-flapping": Row(Part.UNITS, _unit_flapping, "a unit",
                         "5 restarts in 10 minutes or 20 in a day, by systemd or by heald", severity="medium"),
    "probe-failed": Row(Part.PROBES, _probe_failed, "a unit", "a probe of it failed 3 times in a row"),
    "disk-full": Row(
        Part.STORAGE, _disk_full, "a backing device",
        "over {disk_percent:g} % used and less than {disk_free} free; clears 10 points below, or at half as much again",
        "1min; 0 when critical", "high; critical from 97 % or under 1 GiB (2 % of a disk under 50 GiB)"),
    "boot-full": Row(Part.STORAGE, _boot_full, "a file system below /boot or /efi",
                     "over {disk_percent:g} % used; clears 10 points below", "1min"),
    "permissions-wrong": Row(Part.PERMISSIONS, _permissions_wrong, "a folder for temporary files",
                             "mode or owner are not those of its tmpfiles.d line (without one: 1777 root:root)"),
    **{gauge.kind: Row(gauge.part, partial(_past_its_mark, [g for g in GAUGES if g.kind == gauge.kind]))
       for gauge in GAUGES},
}
