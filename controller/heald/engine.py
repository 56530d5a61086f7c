"""The loop: wake, sense, detect, resolve, execute, look again, record. The only sleep of the controller is here.

An event only says which parts to read again; what is wrong is always decided from a fresh reading, so a lost, doubled,
forged or late event does no harm.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from heald import causes, clock, detector, incidents, resolver
from heald.detector import Key
from heald.errors import HealdError
from heald.executor import Helper
from heald.history import History
from heald.judgement import Judgement
from heald.kinds import TABLE
from heald.model import Action, Decision, Incident, Issue, Verdict
from heald.notes import Notes
from heald.readings import Part, Snapshot
from heald.repairs import AT_ONCE, Repairs
from heald.senses import Senses
from heald.settings import Settings

ALL = frozenset(Part)
AGAIN = 1.0             # seconds until a reading that failed is tried again; the longer all is overdue, the more


@dataclass(frozen=True, slots=True)
class Manner:
    """Who is healing: the daemon, paced and patient, or a person who wants it now."""

    paced: bool = True
    at_once: bool = False       # an issue counts from the first look
    jitter: float = 0.1


PATIENT = Manner()


class Engine:
    """One of these heals one machine (or one user's units). `say` gets one line for each thing that happens;
    `changed` each incident that did; `now` is CLOCK_BOOTTIME but in tests."""

    def __init__(
        self, senses: Senses, helper: Helper, history: History, settings: Settings, *, say: Callable[[str], None],
        changed: Callable[[Incident], None] = lambda _: None, manner: Manner = PATIENT,
        now: Callable[[], float] = clock.boottime,
    ) -> None:
        self.settings = settings
        self.until = now()
        self._senses, self._helper, self._history = senses, helper, history
        self._manner, self._now = manner, now
        self._notes = Notes(history, say, changed, at_once=manner.at_once)
        self._memory = {i.key: detector.remembered(i) for i in self.open.values() if i.well is None}
        self._operations: frozenset[str] | None = None
        self._learning: asyncio.Task[None] | None = None
        self._full = self.until     # when everything is due to be read again
        self._repairs = Repairs(senses, helper, history, now, notes=self._notes)
        self._judge = Judgement()
        self.hold: Callable[[Issue, Decision], Decision] | None = None      # the fleet's brake
        self._jobs: set[str] = set()            # units of which a job that was not ours was done since the last look
        self._follows = False
        self._wanted: set[Part] = set()
        self._woken = asyncio.Event()
        self._ask_again()

    @property
    def open(self) -> Mapping[Key, Incident]:
        """The incidents that are not closed, by their issue."""
        return self._history.open

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What is wrong, as of the last look."""
        return detector.issues(self._memory)

    @property
    def numbers(self) -> dict[Key, int]:
        """Of each issue the incident in which it is worked on, as of the last look."""
        open_ = self.open
        return {key: open_[place.home].id for key, place in self._judge.where.items() if place.home in open_}

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
        self._notes.save(replace(i, outcome="open") for i in self.open.values() if i.outcome == "refused")

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
            self._notes.blind("")
        except HealdError as error:
            self._notes.blind(f"cannot look: {error}")
            self._wanted |= parts
            self.until = self._now() + min(max(AGAIN, self.behind), self.settings.interval)

    @property
    def behind(self) -> float:
        """Seconds for which everything should have been read again, and could not be."""
        return max(0.0, self._now() - self._full)

    @property
    def busy(self) -> bool:
        """Repairs are under way."""
        return bool(self._repairs)

    async def finish(self) -> None:
        """Wait for the repairs under way; a call that was made is not taken back."""
        if self._learning:
            self._learning.cancel()
        try:
            await self._repairs.finish()
        finally:
            self._notes.settle()

    async def cycle(self, parts: frozenset[Part] = ALL) -> None:
        """One look at `parts`, and all that follows from it now; `until` says when to look again."""
        try:
            await self._cycle(parts)
            await asyncio.sleep(0)      # a repair that was begun writes all this with its own record, then asks root
        finally:
            self._notes.settle()

    async def _cycle(self, parts: frozenset[Part]) -> None:
        self._repairs.reap()
        jobs, self._jobs, judge = self._jobs, set(), self._judge
        names = judge.watched(self.open.values(), self._now())
        snapshot = judge.recalled(await self._senses.read(parts, names), self._history.known.values())
        now, before = snapshot.now, self._memory
        self._memory = detector.detect(snapshot, self.settings, before, at_once=self._manner.at_once)
        found = detector.issues(self._memory)
        halted = {} if snapshot.machine.packages else judge.halted(self.open, before, found, jobs)
        world = self._world(snapshot, found)
        judge.put(found, self.open, world, {key for key, is_so in halted.items() if is_so})
        followed, new = incidents.follow(self.open, found, judge.where, now, self.settings.limits)
        self._notes.save(replace(i, halted=halted.get(i.key, i.halted)) for i in followed)
        self._notes.save([self._opened(issue, now, halted=halted.get(issue.key, False)) for issue in new])
        if found and self._operations is None and (self._learning is None or self._learning.done()):
            self._learning = asyncio.create_task(self._learn())
        if parts == ALL:
            self._full = now + self.settings.interval
        until = [seen.due for seen in self._memory.values() if not seen.open]
        until += [self._treat(issue, world) for issue in causes.ordered(found, judge.where)]
        held = incidents.holding(judge.where)
        ends = [incidents.closes(i, self.settings.limits) for i in self.open.values() if i.key not in held]
        self.until = min([self._full, *until, *(end for end in ends if end is not None)])
        await self._follow_jobs()

    async def _follow_jobs(self) -> None:
        """Only while an incident is open: on a busy machine jobs end all the time."""
        if self._follows != (follows := bool(self.open)):
            self._follows = follows
            await self._senses.follow_jobs(self._job_ended if self._follows else None)

    def _job_ended(self, unit: str, result: str) -> None:
        if result == "done" and unit in self._judge.units and unit not in self._repairs:
            self._jobs.add(unit)
            self.wake(Part.UNITS)

    def ended(self, action: Action, success: bool) -> None:
        """Root has come to the end of it, perhaps long after its answer: the next rung of a cleaning waits for that."""
        if action.name in resolver.CLEANERS:
            self._notes.save(incidents.ended(i, action, success, self._now()) for i in self.open.values()
                             if i.id not in self._repairs.incidents)        # to these the answer is still to come
            self.wake(Part.STORAGE)

    def _opened(self, issue: Issue, now: float, *, halted: bool = False) -> Incident:
        home = next((i for i in self.open.values() if any(a.subject == issue.subject for a in i.attempts)), None)
        return replace(incidents.opened(issue, self._history.new_id(), now, home), halted=halted)

    def _treat(self, issue: Issue, world: resolver.World) -> float:
        """Decide about one issue, in its place among the others, and carry it out; when to decide again."""
        home, one = self._judge.where[issue.key].home, world.storm is not None and issue.unit is not None
        if one and self._repairs and home in self.open and self.open[home].outcome == "open":
            return world.now + self.settings.interval       # its turn comes when the one before has ended
        decision = self._judge.decide(issue, self.open, replace(world, worked=self._worked()))
        if self.hold is not None:
            decision = self.hold(issue, decision)
        if home != issue.key:
            if resolver.leaves(decision):
                self._notes.save([self._opened(issue, world.now)])
                home = issue.key
                self._judge.apart(home)
            elif decision.verdict is not Verdict.ACT or self._judge.is_starting(home):
                return decision.until or world.now + self.settings.interval
        return self._carry_out(issue, self.open[home], decision, one=one)

    async def _learn(self) -> None:
        """What root supports. While that is not known nothing is skipped, and root itself says what it cannot do."""
        with suppress(HealdError):
            self._operations = await self._helper.operations()

    def _world(self, snapshot: Snapshot, found: Iterable[Issue]) -> resolver.World:
        return resolver.World(
            snapshot.now, snapshot.machine, self.settings, self._operations, jitter=self._manner.jitter,
            paced=self._manner.paced, storm=causes.storm(found, self.open),
        )

    def _worked(self) -> list[tuple[int, str, float]]:
        return incidents.worked(self._history.known, self._repairs.incidents, self._now())

    def _carry_out(self, issue: Issue, incident: Incident, decision: Decision, *, one: bool) -> float:
        """Begin a repair, `one` at a time or several, or note why not; when to decide again."""
        action, later = decision.action, self._now() + self.settings.interval
        if incident.id in self._repairs.incidents:
            return later
        if decision.verdict is not Verdict.ACT or action is None:
            planned = (action, decision.until or later) if action else None
            outcome = "gave-up" if incident.outcome == "gave-up" else incidents.OUTCOMES.get(decision.verdict, "open")
            self._notes.save([replace(incident, outcome=outcome, reason=decision.reason, next=planned)])
            return decision.until or later
        if len(self._repairs) < (1 if one else AT_ONCE):        # else the end of another wakes us
            self._repairs.begin(issue, incident.id, action, decision.reason, lambda: self.wake(TABLE[issue.kind].part))
        return later
