"""LAYER 3's hands: repairs run beside the loop, one on a target, so that a slow one holds up nobody."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from heald import incidents, telling
from heald.executor import Helper
from heald.history import History
from heald.model import Action, Attempt, Issue
from heald.notes import Notes
from heald.quantities import span
from heald.senses import Senses

SOON = 1.0              # seconds in which most repairs have ended
AT_ONCE = 3             # under way at most: root takes four calls of ours


class Repairs:
    """Those under way."""

    def __init__(
        self, senses: Senses, helper: Helper, history: History, now: Callable[[], float], notes: Notes,
    ) -> None:
        self._senses, self._helper, self._history, self._now, self._notes = senses, helper, history, now, notes
        self._tasks: dict[str, asyncio.Task[None]] = {}     # what is worked on -> the repair of an incident's number

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, target: str) -> bool:
        return target in self._tasks

    @property
    def incidents(self) -> set[int]:
        """The numbers of those that are worked on now."""
        return {int(task.get_name()) for task in self._tasks.values()}

    def begin(self, issue: Issue, number: int, action: Action, why: str, ended: Callable[[], None]) -> None:
        """In the incident `number`, unless something is done to the target already; `ended` is called at its end."""
        place = action.target or action.name
        if place in self._tasks:
            return
        task = asyncio.create_task(self._repair(issue, number, action, why), name=str(number))
        self._tasks[place] = task
        task.add_done_callback(lambda _: ended())

    async def finish(self) -> None:
        """Wait for all; a call that was made is not taken back."""
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        self.reap()

    def reap(self) -> None:
        """Forget those that have ended. An error in one is a bug of ours: it ends the loop, systemd starts us again."""
        for place, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[place]
                task.result()

    async def _repair(self, issue: Issue, number: int, action: Action, why: str) -> None:
        """A record that it is begun, then the act, then how it ended; beside it the evidence of what was before."""
        before, started = self._history.known[number], self._now()
        mine = before.key == issue.key
        attempt = Attempt(action, started, subject="" if mine else issue.subject)
        outcome = "open" if mine and before.outcome != "gave-up" else before.outcome
        attempts = (*before.attempts, attempt)
        self._notes.save([replace(before, attempts=attempts, outcome=outcome, reason=why, next=None)])
        self._history.flush()       # it is written before root is asked
        answered = asyncio.Event()
        noted = asyncio.create_task(self._note(issue, number, answered, started))
        try:
            result = await self._helper.heal(action)
        finally:
            answered.set()
        ended = replace(attempt, finished=self._now(), result=result)
        took = span(self._now() - attempt.started)
        known = self._history.known[number]
        self._notes.say(telling.told(known, telling.ended(action, result, took), action))
        self._notes.save([incidents.answered(known, ended, result)])
        self._notes.settle()
        await noted

    async def _note(self, issue: Issue, number: int, answered: asyncio.Event, seen: float) -> None:
        """What there was to see of the failure until `seen`. Starting journalctl takes as long as a quick repair does:
        it is not waited for."""
        with suppress(TimeoutError):
            await asyncio.wait_for(answered.wait(), SOON)
        if issue.unit is not None:
            self._history.add_evidence(number, *await self._senses.evidence(issue.unit, seen))
