"""The fleet's brake: before heald acts, it asks how many machines have the same issue, and stands back above the mark.

Loaded where [fleet] names a Prometheus. Machines that fail at the same moment do not see each other before all were
scraped: so an issue must be `settle` old before it is asked about. A person who repairs is not held.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from heald import clock, prometheus
from heald.errors import HealdError
from heald.fleet import STAND_BACK, Fleet, Share, held
from heald.kinds import TABLE
from heald.model import Decision, Issue, Verdict
from heald.quantities import span
from heald.readings import Part

FRESH = 5.0                 # seconds for which an answer that lets go is good
LONGEST = 300.0             # between two questions about an issue that is held
LATER = prometheus.TIMEOUT + 1.0        # from its turn on, an answer is there at the latest
TRIES = 3                   # questions without an answer after which Prometheus is out of reach: it may only be busy
AGAIN = 10.0                # seconds between these
SPREAD = 1 / 3              # waits are up to this much longer, so that a thousand machines do not ask at once
AT_ONCE = 8                 # questions under way: all other issues of a storm wait for their turn

Ask = Callable[[str, str, Fleet], Awaitable[Share]]


@dataclass(slots=True)
class _Asked:
    """About one issue: when (again), and what came of it."""

    since: float                # the issue's own: a relapse is asked about anew
    due: float
    why: str | None = None      # None: not known yet; "": nothing holds it
    began: float = 0.0          # since when it is held
    unanswered: int = 0         # questions in a row
    task: asyncio.Task[None] | None = None


class Brake:
    """`wake` is called when an answer is there, `say` once when Prometheus is out of reach, and once when it is back.
    `ask` raises HealdError where it is; `spread` is from 0 to 1, another one for each machine."""

    def __init__(self, fleet: Fleet, wake: Callable[[Part], None], say: Callable[[str], None], *,
                 ask: Ask = prometheus.share, now: Callable[[], float] = clock.boottime,
                 spread: float | None = None) -> None:
        self._fleet, self._wake, self._say, self._ask, self._now = fleet, wake, say, ask, now
        self._later = 1 + SPREAD * (os.urandom(1)[0] / 255 if spread is None else spread)
        self._asked: dict[tuple[str, str], _Asked] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._lost = False

    def hold(self, issue: Issue, decision: Decision) -> Decision:
        """The decision as it is where it is none to act, or the fleet lets it; else why not yet, and until when."""
        if decision.verdict is not Verdict.ACT:
            return decision
        now, asked = self._now(), self._asked.get(issue.key)
        if asked is None or asked.since != issue.since:
            self._asked = {key: one for key, one in self._asked.items() if one.task or now - one.due < LONGEST}
            asked = _Asked(issue.since, issue.since + self._fleet.settle * self._later)
            self._asked[issue.key] = asked
        if asked.task is not None and asked.task.done():
            asked.task.result()     # it has not come to its end: a bug of ours, which ends the loop
        if now >= asked.due and asked.task is None:
            asked.task = asyncio.create_task(self._find_out(issue, asked), name=f"the fleet's {issue.subject}")
        until = now + LATER if asked.task else asked.due
        if asked.why:       # as long as it is not known better
            return Decision(Verdict.STAND_BACK, asked.why, until=until)
        if asked.why == "" and asked.task is None:
            return decision
        reason = f"the fleet is asked first, {span(self._fleet.settle)} after the issue was seen"
        return replace(decision, verdict=Verdict.WAIT, reason=reason, until=until)

    async def _find_out(self, issue: Issue, asked: _Asked) -> None:
        why: str | None = None
        try:
            async with self._turns:
                why = held(await self._ask(*issue.key, self._fleet), self._fleet)
            asked.unanswered = 0
            self._tell(lost="")
        except HealdError as error:
            asked.unanswered += 1
            if self._lost or asked.unanswered >= TRIES:
                why = self._unanswered(str(error))
        now = self._now()
        if why is None:
            asked.due = now + AGAIN * self._later
        else:
            asked.began = (asked.began if asked.why else now) if why else 0.0
            pause = min(max(self._fleet.settle, now - asked.began), LONGEST) * self._later
            asked.why, asked.due = why, now + (pause if why else FRESH)
        asked.task = None
        self._wake(TABLE[issue.kind].part)

    def _unanswered(self, error: str) -> str:
        """Why heald waits while Prometheus is out of reach, or ""."""
        waits = self._fleet.unreachable == STAND_BACK
        does = "stands back" if waits else "acts as if alone"
        self._tell(lost=f"{error}; until it answers heald {does}; see healctl doctor")
        return f"fleet: {error}; it is asked again" if waits else ""

    def _tell(self, *, lost: str) -> None:
        if lost and not self._lost:
            self._say(lost)
        elif self._lost and not lost:
            self._say(f"Prometheus at {self._fleet.prometheus} answers again")
        self._lost = bool(lost)
