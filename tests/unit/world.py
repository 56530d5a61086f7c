"""A machine made of numbers, and an engine in it: whole stories run by the clock, in no time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from heald.engine import Engine, Manner
from heald.errors import Code
from heald.executor import DryRun
from heald.history import History
from heald.model import Action, Incident, Result
from heald.readings import Answer, FileSystem, Load, Machine, Part, PathMode, Snapshot, Unit
from heald.settings import Settings

BEGIN = 1000.0


@dataclass
class World:
    """The truth, the clock, and what was asked of root in it."""

    now: float = BEGIN
    machine: Machine = field(default_factory=Machine)
    units: dict[str, Unit] = field(default_factory=dict)
    filesystems: dict[str, FileSystem] = field(default_factory=dict)
    paths: dict[str, PathMode] = field(default_factory=dict)
    load: Load | None = None
    asked: list[tuple[float, Action]] = field(default_factory=list)
    said: list[tuple[float, str]] = field(default_factory=list)
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    answer: Callable[[Action], Result] | None = None
    begins: Callable[[Action], None] | None = None          # called as an action begins
    tell_job: Callable[[str, str], None] | None = None      # what the engine wants to be told of jobs, while it does
    since: dict[str, float] = field(default_factory=dict)   # when a unit was started
    takes: float = 0.0                                      # seconds until root answers
    busy: dict[str, asyncio.Future[None]] = field(default_factory=dict)     # what root works on now
    silent: dict[str, int | None] = field(default_factory=dict)     # how often a unit's probe has failed in a row
    lasts: dict[str, float] = field(default_factory=dict)   # for how many seconds a unit stays up once it is started

    def fail(self, name: str, **facts: object) -> None:
        """The unit dies as by SIGKILL: it leaves the active state after its main process ended."""
        stamp = int(self.now * 1e6)
        dead = replace(
            self.units.get(name, Unit(name, service_type="simple")), active_state="failed", sub_state="failed",
            result="signal", main_start=stamp - 10**6, main_exit=stamp - 100, active_exit=stamp, inactive_enter=stamp,
        )
        self.units[name] = replace(dead, **facts)  # type: ignore[arg-type]

    def start(self, name: str) -> None:
        self.units[name] = replace(
            self.units[name], active_state="active", sub_state="running", result="success", invocation=str(self.now))
        self.since[name] = self.now
        if name in self.lasts:
            self.at(self.now - BEGIN + self.lasts[name], lambda: self.fail(name))

    def add(self, *names: str, **facts: object) -> None:
        """Units that run."""
        for name in names:
            self.units[name] = replace(Unit(name, service_type="simple", main_start=1), **facts)  # type: ignore[arg-type]

    def bind(self, cause: str, *names: str) -> None:
        """Units that run and are bound to `cause`, which runs too."""
        self.add(cause, dependents=names)
        self.add(*names, requires=(cause,))

    def chain(self, *names: str) -> None:
        """Each requires the one before it."""
        for above, name, below in zip(("", *names), names, (*names[1:], ""), strict=False):
            self.add(name, requires=(above,) if above else (), dependents=(below,) if below else ())

    def fall(self, name: str) -> None:
        """systemd stops it, with what it is bound to."""
        stamp = int(self.now * 1e6) + 5000
        self.units[name] = replace(self.units[name], active_state="inactive", sub_state="dead", active_exit=stamp,
                                   inactive_enter=stamp, main_exit=stamp + 100)

    def at(self, seconds: float, what: Callable[[], None]) -> None:
        """Do it so many seconds after the beginning."""
        self.later.append((BEGIN + seconds, what))

    async def read(self, parts: frozenset[Part], units: Iterable[str]) -> Snapshot:
        names = {*units, *(u.name for u in self.units.values() if u.sub_state in {"failed", "auto-restart"})}
        below = {d for name in names & self.units.keys() for d in self.units[name].dependents}
        names |= {name for name in below if self.units[name].active_state == "inactive"}
        failed = [replace(u, active_for=self.now - self.since.get(u.name, 0) if u.active_state == "active" else 0)
                  for u in self.units.values() if u.name in names]
        return Snapshot(
            self.now, self.machine,
            tuple(failed) if Part.UNITS in parts else None,
            tuple(self.filesystems.values()) if Part.STORAGE in parts else None,
            tuple(self.paths.values()) if Part.PERMISSIONS in parts else None,
            loads=(self.load,) if self.load and Part.LOAD in parts else None,
            answers=self.probed(),
        )

    async def follow_jobs(self, ended: Callable[[str, str], None] | None) -> None:
        self.tell_job = ended

    def probed(self) -> tuple[Answer, ...]:
        """As many failures as were set for each unit; none are known once it was started."""
        return tuple(Answer(self.units[name], "127.0.0.1:80", count, "refused") for name, count in self.silent.items())

    async def evidence(self, unit: Unit, seen: float) -> tuple[Mapping[str, object], list[str]]:
        return {"Result": unit.result}, [f"{unit.name} died before {seen:g}"]

    async def heal(self, action: Action, *, wait: int = 20) -> Result:  # noqa: ARG002 - the protocol's
        self.asked.append((self.now - BEGIN, action))
        if self.begins is not None:
            self.begins(action)
        place = action.target or action.name
        assert place not in self.busy, f"{action} while something is done to it already"
        self.busy[place] = asyncio.get_running_loop().create_future()
        if self.takes:
            self.at(self.now - BEGIN + self.takes, lambda: self._end(place))
            await self.busy[place]
        else:
            self._end(place)
        if self.answer is not None:
            return self.answer(action)
        if action.category == "service" and action.target in self.units:
            if self.units[action.target].active_state == "active":
                return Result(Code.HEALTHY, "not ill")
            self.start(action.target)
        return Result("done")

    def _end(self, place: str) -> None:
        if place in self.busy:
            self.busy.pop(place).set_result(None)

    def end_all(self) -> None:
        """The story ends: nobody waits any more."""
        for place in list(self.busy):
            self._end(place)

    async def operations(self) -> frozenset[str]:
        return await DryRun().operations()

    def up(self, action: Action) -> Result:
        """An answer: the unit was started."""
        self.start(action.target)
        return Result("done")

    @property
    def targets(self) -> list[str]:
        return [action.target for _, action in self.asked]

    @property
    def times(self) -> list[float]:
        return [round(at, 3) for at, _ in self.asked]


class Story:
    """An engine in a world; `run` lets so many seconds pass."""

    def __init__(
        self, folder: Path, world: World | None = None, settings: Settings | None = None, **manner: bool
    ) -> None:
        self.world = world or World()
        w = self.world
        self.history = History(folder / "history.db", lambda line: w.said.append((w.now - BEGIN, line)))
        self.engine = Engine(
            w, w, self.history, settings or Settings(), now=lambda: w.now, manner=Manner(jitter=0.0, **manner),
            say=lambda line: w.said.append((round(w.now - BEGIN, 3), line)),
        )

    @property
    def incidents(self) -> list[Incident]:
        return sorted(self.history.known.values(), key=lambda i: i.id)

    def run(self, seconds: float) -> "Story":
        asyncio.run(self._run(BEGIN + seconds))
        return self

    async def _run(self, end: float) -> None:
        w = self.world
        while True:
            await self.engine.turn()
            if self.engine.busy and not w.takes:
                await self.engine.finish()
                continue
            for _ in range(9 if w.takes else 0):    # so many turns of the loop a repair needs before it waits for root
                await asyncio.sleep(0)
            due = min([self.engine.until, *(at for at, _ in w.later)])
            if due > end:
                w.now = end
                w.end_all()
                return await self.engine.finish()
            w.now = max(w.now, due)
            for event in [e for e in w.later if e[0] <= w.now]:
                w.later.remove(event)
                event[1]()
            for _ in range(9 if w.takes else 0):
                await asyncio.sleep(0)
