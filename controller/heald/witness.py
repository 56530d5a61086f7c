"""Finds out what made an incident begin, beside the repairs and never before one: it is read once and kept, so that
what `healctl why` tells does not drift.

A unit's failure is looked at once its first repair has ended or it is decided that there is none, and no other repair
is under way. What is asked for has a stamp, so that it makes no difference that the repair came between.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Protocol

from heald import clock
from heald.errors import HealdError
from heald.history import History
from heald.model import Incident, Issue
from heald.senses import Senses
from heald.sensors import changes, killers
from heald.stories import Findings

MOST = 50           # incidents that wait to be looked at; a storm has more than anybody reads


class Files(Protocol):
    """Who knows a unit's files: systemd's manager on the bus."""

    async def files(self, name: str) -> tuple[str, ...]:
        """The files that a unit is made of and that it names; HealdError from the bus."""


class Witness:
    """Looks at one incident after the other. `busy`: repairs are under way; `spawn` runs what nobody waits for."""

    def __init__(self, history: History, senses: Senses, manager: Files, busy: Callable[[], bool],
                 spawn: Callable[[Coroutine[None, None, None], str], None]) -> None:
        self._history, self._senses, self._manager, self._busy, self._spawn = history, senses, manager, busy, spawn
        self._newest = max(history.known, default=0)
        self._opened: dict[int, Issue] = {}         # those of which the first repair or decision is still to come
        self._ahead: list[tuple[int, Issue]] = []
        self._looks = False

    def changed(self, number: int) -> None:
        """Something happened in this incident."""
        incident = self._history.known.get(number)
        if incident is None:
            return
        if number > self._newest and incident.issue is not None:
            self._newest = number
            self._opened[number] = incident.issue
        if number in self._opened and _is_decided(incident):
            self._ahead = [*self._ahead, (number, self._opened.pop(number))][:MOST]

    def go_on(self) -> None:
        """Look, if there is something to look at and no repair is under way: called at each turn of the loop."""
        if self._ahead and not self._looks and not self._busy():
            self._looks = True
            self._spawn(self._look(), "what made an incident begin is found out")

    async def _look(self) -> None:
        try:
            while self._ahead and not self._busy():
                number, issue = self._ahead.pop(0)
                await self._find_out(number, issue)
        finally:
            self._looks = False

    async def _find_out(self, number: int, issue: Issue) -> None:
        began = issue.since + clock.offset()
        unit, name, killed = issue.unit, issue.target, ""
        files: tuple[str, ...] = ()
        if unit is not None and unit.active_state == "failed":
            known = self._history.known.get(number)
            if known is not None and not known.attempts:        # else it is taken beside the repair
                self._history.add_evidence(number, *await self._senses.evidence(unit, issue.seen))
            killed = await killers.killer(unit)
        with suppress(HealdError):
            files = await self._manager.files(name) if name else ()
        found, left_out = await asyncio.to_thread(changes.read, files, began)
        self._history.add_findings(number, Findings(killed, found, left_out))
        self._history.flush()


def _is_decided(incident: Incident) -> bool:
    """Its first repair has ended, or something else was decided."""
    if incident.attempts:
        return incident.attempts[-1].finished is not None
    return incident.outcome != "open" or incident.next is not None or incident.well is not None
