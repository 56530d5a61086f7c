"""Which issue comes of which, where each is worked on, and in what order. Pure.

A unit that failed or fell because of another issue belongs to that one's incident: it waits until its cause is well,
then it is started, one after the other. If that one try does not help, it has an incident of its own.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from heald.bonds import above, fallen_from, together
from heald.detector import Key
from heald.model import Incident, Issue, Severity
from heald.readings import Unit

BOUND = ("unit-failed", "unit-blocked")
STORM, WITHIN, DUST = 5, 10.0, 30.0     # so many units newly failed within so many seconds: hands off for so long


@dataclass(frozen=True, slots=True)
class Place:
    """Where an issue stands among the others."""

    home: Key                       # the issue in whose incident it is worked on: its own, or its cause's
    cause: str = ""                 # what must be well first, in words; "" = nothing is in the way
    cleared: float | None = None    # when what had been in the way became well; None: it did not, or nothing was


def places(
    found: Sequence[Issue], units: Mapping[str, Unit], open_: Mapping[Key, Incident], through: Set[Key], now: float
) -> dict[Key, Place]:
    """The place of every issue. `through`: file systems whose ladder is used up, for which nobody waits any more."""
    ill, keys = {i.subject: i for i in found if i.kind in BOUND}, {i.key for i in found}
    open_ = {key: replace(i, well=None if key in keys else now if i.well is None else i.well)       # as of this look
             for key, i in open_.items()}
    disks = [i for i in found if i.kind == "disk-full" and i.severity is Severity.CRITICAL]
    after = {}
    for issue in found:
        place = Place(issue.key)
        if issue.kind in BOUND and issue.unit is not None:
            place = (_by_ill(issue.unit, ill, units) or _by_well(issue, ill, units, open_, now)
                     or _by_disk(issue, disks, open_, through, now))
            home = open_.get(place.home)
            if place.home != issue.key and (issue.key in open_ or (home and _had_its_try(issue, home, place.cleared))):
                place = Place(issue.key, place.cause, place.cleared)
        after[issue.key] = place
    return {key: _rooted(key, after) for key in after}


def _by_ill(unit: Unit, ill: Mapping[str, Issue], units: Mapping[str, Unit]) -> Place | None:
    """The place below a unit that it requires and that is ill now."""
    for cause in above(unit, units):
        first = ill.get(cause.name)
        if first is not None and first.unit and not _mutual(unit, first.unit, units):
            return Place(first.key, f"{cause.name} comes first: {first.detail}")
    return None


def _by_well(
    issue: Issue, ill: Mapping[str, Issue], units: Mapping[str, Unit], open_: Mapping[Key, Incident], now: float
) -> Place | None:
    """The place below a unit that it requires and that was ill when this one went down."""
    unit = issue.unit
    if unit is None:
        return None
    causes = list(above(unit, units))
    for cause in causes:
        for incident in open_.values():
            well = incident.well if incident.well is not None else now
            if incident.kind in BOUND and cause.name in _cared_for(incident) and (
                    issue.kind == "unit-blocked" or issue.since <= well):
                return Place(incident.key, cleared=incident.well)
    names = {cause.name: now - cause.active_for for cause in causes if cause.came_back and (
        cause.name == fallen_from(unit, units) or together(unit, cause))}
    if not names:
        return None
    beside = [key for key in open_ if key[0] in BOUND and key[1] in units and names.keys() & {*units[key[1]].requires}]
    beside += [i.key for i in ill.values() if i.unit and names.keys() & {*i.unit.requires}]
    return Place(beside[0], cleared=max(names.values())) if beside else None    # systemd healed the cause: one for all


def _cared_for(incident: Incident) -> set[str]:
    return {incident.subject, *(a.subject for a in incident.attempts if a.subject)}


def _mutual(unit: Unit, cause: Unit, units: Mapping[str, Unit]) -> bool:
    """Whether the two require each other, and this one goes first by its name: somebody must."""
    return unit.name < cause.name and any(other.name == unit.name for other in above(cause, {**units, unit.name: unit}))


def _by_disk(
    issue: Issue, disks: Iterable[Issue], open_: Mapping[Key, Incident], through: Set[Key], now: float
) -> Place:
    for disk in disks:
        if disk.since <= issue.since:
            return Place(disk.key, "" if disk.key in through else f"the disk comes first: {disk.detail}")
    still = {disk.key for disk in disks}
    for incident in open_.values():
        if incident.kind == "disk-full" and incident.severity is Severity.CRITICAL and incident.key not in still:
            well = incident.well if incident.well is not None else now
            if incident.opened <= issue.since <= well:
                return Place(incident.key, cleared=incident.well)
    return Place(issue.key)


def _had_its_try(issue: Issue, home: Incident, cleared: float | None) -> bool:
    return any(a.subject == issue.subject and a.finished is not None and issue.seen > a.finished
               and a.started >= (cleared or 0) and a.result is not None and a.result.begun for a in home.attempts)


def _rooted(key: Key, after: Mapping[Key, Place]) -> Place:
    """With the home of its cause's own cause, and so on: the first of all has the incident."""
    place, seen = after[key], {key}
    while (above_ := after.get(place.home)) is not None and place.home not in seen and above_.home != place.home:
        seen.add(place.home)
        place = Place(above_.home, place.cause, place.cleared)
    return place


def ordered(found: Iterable[Issue], where: Mapping[Key, Place]) -> list[Issue]:
    """Causes, then severity, then age."""
    causes = {place.home for key, place in where.items() if place.home != key}
    return sorted(found, key=lambda i: (i.key not in causes, -i.severity, i.since, i.key))


def storm(found: Iterable[Issue], open_: Mapping[Key, Incident]) -> float | None:
    """When the dust of a storm has settled; None when there is none. A relapse is no new failure."""
    since = sorted(min(i.since, open_[i.key].opened if i.key in open_ else i.since)
                   for i in found if i.kind == "unit-failed")
    last = [b for a, b in zip(since, since[STORM - 1:], strict=False) if b - a <= WITHIN]
    return max(last) + DUST if last else None
