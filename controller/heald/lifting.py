"""The limits that heald has set on units, and taking them back: when what they were for is well again, when heald
stops, and at its next start.

What is limited the history knows: a limit that was asked for in this boot, and no answer to lifting it since.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace

from heald import clock, paths, telling
from heald.bus.connection import Bus
from heald.bus.helper import HelperClient
from heald.errors import Code
from heald.executor import Helper
from heald.history import History
from heald.model import Action, Attempt, Category, Incident, Result

LIMITS = frozenset({"limit-memory", "limit-cpu"})
UNLIMIT = "unlimit"
LATER = frozenset({Code.UNREACHABLE, Code.TIMEOUT, Code.BUSY, Code.LIMITS_EXCEEDED})
"""Answers after which the limit may still be there: it is asked again at the next occasion."""


def limited(incidents: Iterable[Incident]) -> dict[str, list[Incident]]:
    """The units that are limited, each with the incidents for which they are."""
    found: dict[str, list[Incident]] = {}
    for incident in incidents:
        for unit in _of(incident):
            found.setdefault(unit, []).append(incident)
    return found


def _of(incident: Incident) -> set[str]:
    units: set[str] = set()
    for attempt in incident.attempts:
        operation, result = attempt.action.operation, attempt.result
        begun = result is None or (result.begun and result.state != "would")
        if operation in LIMITS and begun and attempt.started > 0:       # before 0 was another boot: the limit is gone
            units.add(attempt.action.target)
        elif operation == UNLIMIT:
            units.discard(attempt.action.target)
    return units


class Lifter:
    """Asks root to lift limits, and records its answers. `changed` gets each incident that got one."""

    def __init__(self, history: History, helper: Helper, say: Callable[[str], None],
                 changed: Callable[[Incident], None] = lambda _: None) -> None:
        self._history, self._helper, self._say, self._changed = history, helper, say, changed
        self._under_way: set[str] = set()

    async def lift(self, *, everything: bool = False) -> None:
        """Those that no incident needs any more; `everything`: all of them."""
        for unit, incidents in limited(self._history.known.values()).items():
            idle = unit not in self._under_way
            if idle and (everything or all(i.well is not None or i.closed is not None for i in incidents)):
                self._under_way.add(unit)
                try:
                    await self._ask(unit, [incident.id for incident in incidents])
                finally:
                    self._under_way.discard(unit)

    def seen(self, action: Action, success: bool) -> None:
        """What root has done and an incident only asks for was a person's doing: the limit is the incident's now."""
        now = clock.boottime()
        attempt = Attempt(action, now, now, Result("done", "by a person"))
        if success and action.operation in LIMITS:
            self._record(attempt, [i.id for i in self._history.known.values() if i.closed is None
                                   and i.outcome == "asked" and i.next is not None and i.next[0] == action])

    async def _ask(self, unit: str, numbers: list[int]) -> None:
        action, started = Action(Category.RESOURCE, UNLIMIT, unit), clock.boottime()
        result = await self._helper.heal(action)
        self._say(telling.line(telling.ended(action, result), *(("HEALD_INCIDENT", str(number)) for number in numbers),
                               ("HEALD_OPERATION", action.name), ("UNIT", unit)))
        if result.state in LATER:
            return
        self._record(Attempt(action, started, clock.boottime(), result), numbers)

    def _record(self, attempt: Attempt, numbers: list[int]) -> None:
        known = [incident for number in numbers if (incident := self._history.known.get(number))]
        done = [replace(incident, attempts=(*incident.attempts, attempt)) for incident in known]
        self._history.save(done)
        for incident in done:
            self._changed(incident)


async def lift_all(say: Callable[[str], None]) -> None:
    """All that history knows of. HealdError when the bus cannot be reached."""
    with closing(History(paths.state() / "history.db", say)) as history:
        if limited(history.known.values()):
            bus = await Bus.connect()
            with closing(bus):
                await Lifter(history, HelperClient(bus), say).lift(everything=True)
