"""A thousand machines: their exporters played by one HTTP server, the brake of each of them the product's own.

A push breaks a unit on all of them, in so many seconds from the first to the last. Each notices at once, as heald does;
its exporter says so at the next scrape; its brake asks the real Prometheus, and holds it or lets it act. What acts
mends nothing, for the push is bad. Several pushes, each of a unit of its own, are played at the same time.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from heald import prometheus
from heald.brake import Brake
from heald.errors import HealdError
from heald.face.exposition import exposition
from heald.face.totals import Totals
from heald.fleet import Fleet, Share
from heald.model import Action, Category, Decision, Issue, Severity, Verdict

OPENED = "2026-11-26T00:00:00.000Z"
SEED = 14                   # the order in which machines are pushed to, and their spreads, are the same in each run
State = tuple[str, str]     # outcome of an incident, and the word that its reason begins with


@dataclass
class Push:
    """Of one unit, to all machines in `lasts` seconds; they ask when their issue is `settle` old."""

    lasts: float
    settle: float
    acted: list[float] = field(default_factory=list)        # when, after the push began
    held: set[int] = field(default_factory=set)             # the machines that stood back
    decided: set[int] = field(default_factory=set)          # and those that acted

    @property
    def unit(self) -> str:
        return f"push-{self.lasts:g}-{self.settle:g}.service"


@dataclass
class Simulation:
    """So many machines. `asked` are the seconds that each answer of Prometheus took, `lost` how many came to none."""

    count: int
    states: list[dict[str, State]] = field(init=False)      # of each machine, what is wrong
    asked: list[float] = field(default_factory=list)
    lost: int = 0
    began: float = 0.0
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.states = [{} for _ in range(self.count)]

    def targets(self, port: int) -> str:
        """For file_sd_configs: every machine, each below /NUMBER, by the instance that it would have."""
        return json.dumps([{"targets": [f"127.0.0.1:{port}"], "labels": {
            "__metrics_path__": f"/{number}", "instance": f"machine{number}"}} for number in range(self.count)])

    async def run(self, port: int, pushes: Iterable[Push], url: str, *, before: Callable[[], None],
                  until: Callable[[], None], after: Callable[[], None]) -> None:
        """All exporters answer on `port`; once `before` has returned, the pushes are played until `until` returns.
        `after` has Prometheus end, so that nobody is connected to the exporters any more."""
        async with await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024):
            await asyncio.to_thread(before)
            self.began = time.monotonic()
            tasks = [task for push in pushes for task in self._push(push, url)]
            await asyncio.to_thread(until)
            for task in tasks:
                if task.done():
                    task.result()
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(after)
            await asyncio.gather(*self._serving)

    def _push(self, push: Push, url: str) -> list[asyncio.Task[None]]:
        chance = random.Random(SEED)
        order = chance.sample(range(self.count), self.count)
        fleet = Fleet(url, settle=push.settle)
        return [asyncio.create_task(self._live(push, number, place * push.lasts / self.count, fleet, chance.random()))
                for place, number in enumerate(order)]

    async def _live(self, push: Push, number: int, falls: float, fleet: Fleet, spread: float) -> None:
        """One machine, from the push on."""
        await asyncio.sleep(falls)
        since, woken = time.monotonic(), asyncio.Event()
        issue = Issue("unit-failed", push.unit, Severity.HIGH, since, "failed", "failed", "")
        act = Decision(Verdict.ACT, "", Action(Category.SERVICE, "start", push.unit))
        brake = Brake(fleet, lambda _: woken.set(), lambda _: None, ask=self._ask, now=time.monotonic, spread=spread)
        self.states[number][push.unit] = "open", ""
        while (decision := brake.hold(issue, act)).verdict is not Verdict.ACT:
            if decision.verdict is Verdict.STAND_BACK and self.states[number][push.unit][0] == "open":
                push.held.add(number)
                push.decided.add(number)
                self.states[number][push.unit] = "stood-back", "fleet"
            woken.clear()
            try:
                async with asyncio.timeout((decision.until or 0.0) - time.monotonic()):
                    await woken.wait()
            except TimeoutError:
                continue
        push.acted.append(time.monotonic() - self.began)
        push.decided.add(number)
        self.states[number][push.unit] = "open", ""

    async def _ask(self, kind: str, subject: str, fleet: Fleet) -> Share:
        before = time.monotonic()
        try:
            share = await prometheus.share(kind, subject, fleet)
        except HealdError:
            self.lost += 1
            raise
        self.asked.append(time.monotonic() - before)
        return share

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                number = int(head.split(b" ", 2)[1].strip(b"/"))
                body = told(tuple(sorted(self.states[number].items())))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: "
                             + str(len(body)).encode() + b"\r\n\r\n" + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


@lru_cache
def told(states: tuple[tuple[str, State], ...]) -> bytes:
    """What the exporter of a machine says on which that is wrong: heald's own text."""
    issues = [{"id": str(place), "kind": "unit-failed", "severity": "high", "subject": unit}
              for place, (unit, _) in enumerate(states)]
    incidents = [{"id": str(place), "opened": OPENED, "outcome": outcome, "reason": f"{word}: " if word else ""}
                 for place, (_, (outcome, word)) in enumerate(states)]
    known: dict[str, Any] = {
        "Version": "0.1.0", "Health": 100, "Limits": {"incidents_left": 10, "rollbacks_left": 3}, "Issues": issues,
        "Incidents": incidents, "Paused": []}
    done = Totals(Path("/nonexistent"), dict, lambda _: None)
    done.repairs["service/start", "done"] = done.incidents["unit-failed", "healed"] = 1
    return exposition(known, done, helper=True)
