"""How the last day went: health and open issues as they changed, and what was done. From the incidents alone. Pure.

An incident counts as ill from when it opened until its subject was well for good: one that relapsed, throughout. What
waited for a cause is counted in the cause's incident.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from heald import detector
from heald.model import Attempt, Incident

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Step:
    """From `at` (seconds, of the incidents' own clock) until the next step: health 0 to 100, and the open issues."""

    at: float
    health: int
    issues: int


def steps(incidents: Iterable[Incident], begin: float, end: float) -> list[Step]:
    """The first at `begin`, then one for each change before `end`."""
    changes: list[tuple[float, bool, Incident]] = []
    for incident in incidents:
        until = over(incident)
        if until is None or until > begin:
            changes.append((max(begin, incident.opened), True, incident))
        if until is not None and begin < until < end:
            changes.append((until, False, incident))
    ill: dict[int, Incident] = {}
    found = [Step(begin, 100, 0)]
    for at, together in groupby(sorted(changes, key=lambda change: change[0]), key=lambda change: change[0]):
        for _, begins, incident in together:
            if begins:
                ill[incident.id] = incident
            else:
                ill.pop(incident.id, None)
        step = Step(at, detector.health(ill.values()), len(ill))
        found = [*found[:-1], step] if found[-1].at == at else [*found, step]
    return found


def attempts(incidents: Iterable[Incident], begin: float) -> list[Attempt]:
    """What was asked of root since `begin`, the latest first; what an incident took along was another's."""
    found = [a for i in incidents for a in i.attempts if a.started >= max(begin, i.opened)]
    return sorted(found, key=lambda attempt: attempt.started, reverse=True)


def over(incident: Incident) -> float | None:
    """When it was well for good, or ended all the same; None while it is ill."""
    return incident.closed if incident.well is None else incident.well
