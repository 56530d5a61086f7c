"""The loop: wake, sense, detect, resolve, execute, look again, record. The only sleep of the controller is here.

An event only says which parts to read again; what is wrong is always decided from a fresh reading, so a lost, doubled,
forged or late event does no harm. Repairs run beside the loop, one on a target, so that a slow one holds up nobody.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from heald import clock, detector, incidents, resolver
from heald.detector import Key
from heald.errors import HealdError
from heald.executor import Helper
from heald.history import History
from heald.kinds import TABLE
from heald.model import Action, Attempt, Decision, Incident, Issue, Verdict
from heald.quantities import span
from heald.readings import Part, Snapshot, Unit
from heald.settings import Settings

ALL = frozenset(Part)
AT_ONCE = 3             # repairs under way at most: root takes four calls of ours
AGAIN = 1.0             # seconds until a reading that failed is tried again
OUTCOMES = {
    Verdict.ASK: "asked", Verdict.OBSERVE: "observed", Verdict.STAND_BACK: "stood-back", Verdict.GIVE_UP: "gave-up",
    Verdict.REFUSED: "refused",
}


class Senses(Protocol):
    """What the engine reads the machine through. HealdError when it cannot be read now."""

    async def read(self, parts: frozenset[Part], units: Iterable[str]) -> Snapshot:
        """A fresh reading of `parts`; of the units the failed ones and these."""

    async def evidence(self, unit: Unit) -> tuple[Mapping[str, object], list[str]]:
        """What a repair would destroy: systemd's properties of the failure, the last lines of its journal."""


@dataclass(frozen=True, slots=True)
class Manner:
    """Who is healing: the daemon, paced and patient, or a person who wants it now."""

    paced: bool = True
    at_once: bool = False       # an issue counts from the first look
    jitter: float = 0.1


PATIENT = Manner()


class Engine:
    """One of these heals one machine (or one user's units). `say` gets one line for each thing that happens;
    `changed` the id of each incident that did; `now` is CLOCK_BOOTTIME but in tests."""

    def __init__(
        self, senses: Senses, helper: Helper, history: History, settings: Settings, *, say: Callable[[str], None],
        changed: Callable[[str], None] = lambda _: None, manner: Manner = PATIENT,
        now: Callable[[], float] = clock.boottime,
    ) -> None:
        self.settings = settings
        self.until = now()
        self._senses, self._helper, self._history = senses, helper, history
        self._say, self._changed, self._manner, self._now = say, changed, manner, now
        self._memory = {i.key: detector.remembered(i) for i in self.open.values() if i.well is None}
        self._operations: frozenset[str] | None = None
        self._learning: asyncio.Task[None] | None = None
        self._full = self.until     # when everything is due to be read again
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._wanted: set[Part] = set()
        self._woken = asyncio.Event()
        self._ask_again()

    @property
    def open(self) -> dict[Key, Incident]:
        """The incidents that are not closed, by their issue."""
        return {i.key: i for i in self._history.known.values() if i.closed is None}

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What is wrong, as of the last look."""
        return detector.issues(self._memory)

    @property
    def left(self) -> dict[str, int]:
        """What is left of the limits over all: of an hour's incidents, of a day's rollbacks (none so far)."""
        limits, since = self.settings.limits, self._now() - resolver.HOUR
        worked = {number for number, _, at in self._worked() if at > since}
        return {"incidents_left": max(0, limits.incidents_per_hour - len(worked)),
                "rollbacks_left": limits.rollbacks_per_day}

    def wake(self, *parts: Part) -> None:
        """Read these again as soon as may be. A unit that fails may do so because a disk is full."""
        self._wanted |= {*parts, Part.STORAGE} if Part.UNITS in parts else set(parts)
        self._woken.set()

    def use(self, settings: Settings) -> None:
        """From now on. What was refused under the old ones is asked again."""
        self.settings, self._operations = settings, None
        self._ask_again()
        self.wake(*ALL)

    def _ask_again(self) -> None:
        self._save(replace(i, outcome="open") for i in self.open.values() if i.outcome == "refused")

    async def run(self, stop: asyncio.Event, alive: Callable[[], None], at_least: float) -> None:
        """Until `stop`. `alive` is called at each turn, at least every `at_least` seconds."""
        while not stop.is_set():
            alive()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(self.until - self._now(), at_least))):
                    await self._woken.wait()
            if stop.is_set() or not (self._woken.is_set() or self._now() >= self.until):
                continue
            await self.turn()

    async def turn(self) -> None:
        """A look at what an event asked for; without one, and once in each interval, at everything."""
        parts = frozenset(self._wanted) if self._wanted and self._now() < self._full else ALL
        self._wanted.clear()
        self._woken.clear()
        try:
            await self.cycle(parts)
        except HealdError as error:
            self._say(f"cannot look: {error}")
            self._wanted |= parts
            self.until = self._now() + AGAIN

    @property
    def busy(self) -> bool:
        """Repairs are under way."""
        return bool(self._repairs)

    async def finish(self) -> None:
        """Wait for the repairs under way; a call that was made is not taken back."""
        if self._learning:
            self._learning.cancel()
        if self._repairs:
            await asyncio.wait(self._repairs.values())
        self._reap()

    async def cycle(self, parts: frozenset[Part] = ALL) -> None:
        """One look at `parts`, and all that follows from it now; `until` says when to look again."""
        self._reap()
        units = [i.subject for i in self.open.values() if i.kind.startswith("unit-")]
        snapshot = await self._senses.read(parts, units)
        now = snapshot.now
        self._memory = detector.detect(snapshot, self.settings, self._memory, at_once=self._manner.at_once)
        found = detector.issues(self._memory)
        followed, new = incidents.follow(self.open, found, now, self.settings.limits)
        self._save(followed)
        self._save([incidents.opened(issue, self._history.new_id(), now) for issue in new])
        if found and self._operations is None and (self._learning is None or self._learning.done()):
            self._learning = asyncio.create_task(self._learn())
        if parts == ALL:
            self._full = now + self.settings.interval
        until = [seen.due for seen in self._memory.values() if not seen.open]
        for issue in found:
            incident = self.open[issue.key]
            decision = resolver.decide(issue, incident, self._world(snapshot))
            until.append(self._carry_out(issue, incident, decision))
        ends = [incidents.closes(i, self.settings.limits) for i in self.open.values()]
        self.until = min([self._full, *until, *(end for end in ends if end is not None)])
        self._history.flush()

    async def _learn(self) -> None:
        """What root supports. While that is not known nothing is skipped, and root itself says what it cannot do."""
        with suppress(HealdError):
            self._operations = await self._helper.operations()

    def _world(self, snapshot: Snapshot) -> resolver.World:
        return resolver.World(
            snapshot.now, snapshot.machine, self.settings, self._operations, self._worked(), self._manner.jitter,
            self._manner.paced,
        )

    def _worked(self) -> list[tuple[int, str, float]]:
        known = self._history.known
        begun = [(i.id, i.subject, a.started) for i in known.values() for a in incidents.repairs(i)]
        return begun + [(n, known[n].subject, self._now()) for n in self._under_way()]

    def _carry_out(self, issue: Issue, incident: Incident, decision: Decision) -> float:
        """Begin a repair, or note why not; when to decide again."""
        action, later = decision.action, self._now() + self.settings.interval
        if incident.id in self._under_way():
            return later
        if decision.verdict is not Verdict.ACT or action is None:
            planned = (action, decision.until or later) if action else None
            outcome = "gave-up" if incident.outcome == "gave-up" else OUTCOMES.get(decision.verdict, "open")
            self._save([replace(incident, outcome=outcome, reason=decision.reason, next=planned)])
            return decision.until or later
        place = action.target or action.name
        if place in self._repairs or len(self._repairs) >= AT_ONCE:
            return later                            # its end wakes us
        task = asyncio.create_task(self._repair(issue, incident.id, action, decision.reason), name=str(incident.id))
        self._repairs[place] = task
        task.add_done_callback(lambda _: self.wake(TABLE[issue.kind].part))
        return later

    def _under_way(self) -> set[int]:
        return {int(task.get_name()) for task in self._repairs.values()}

    def _reap(self) -> None:
        for place, task in list(self._repairs.items()):
            if task.done():
                del self._repairs[place]
                task.result()       # an error in there is a bug of ours: it ends the loop, and systemd starts us again

    async def _repair(self, issue: Issue, number: int, action: Action, why: str) -> None:
        """Evidence first, then a record that it is begun, then the act, then how it ended."""
        if issue.unit is not None:
            self._history.add_evidence(number, *await self._senses.evidence(issue.unit))
        before = self._history.known[number]
        attempt = Attempt(action, self._now())
        outcome = "gave-up" if before.outcome == "gave-up" else "open"
        self._save([replace(before, attempts=(*before.attempts, attempt), outcome=outcome, reason=why, next=None)])
        result = await self._helper.heal(action)
        ended = replace(attempt, finished=self._now(), result=result)
        took = span(self._now() - attempt.started)
        how = f"{action}: {result.state} after {took}"
        self._say(": ".join(part for part in (f"incident {number}", how, result.detail) if part))
        self._save([incidents.answered(self._history.known[number], ended, result)])

    def _save(self, changed: Iterable[Incident]) -> None:
        """Record those that say something new, and tell it."""
        told = []
        for incident in changed:
            before = self._history.known.get(incident.id)
            if before is not None and replace(before, ill=0, issue=None) == replace(incident, ill=0, issue=None):
                self._history.known[incident.id] = incident
                continue
            told.append(incident)
            if line := incidents.news(before, incident):
                self._say(f"incident {incident.id}: {line}")
        if told:
            self._history.save(told)
        for incident in told:
            self._changed(str(incident.id))
