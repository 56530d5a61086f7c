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
from heald.readings import Answer, FileSystem, Machine, Part, PathMode, Snapshot, Unit
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
    asked: list[tuple[float, Action]] = field(default_factory=list)
    said: list[tuple[float, str]] = field(default_factory=list)
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    answer: Callable[[Action], Result] | None = None
    silent: dict[str, int | None] = field(default_factory=dict)     # how often a unit's probe has failed in a row
    lasts: dict[str, float] = field(default_factory=dict)   # for how many seconds a unit stays up once it is started

    def fail(self, name: str, **facts: object) -> None:
        """The unit dies as by SIGKILL: it leaves the active state after its main process ended."""
        stamp = int(self.now * 1e6)
        dead = Unit(
            name, active_state="failed", sub_state="failed", result="signal", service_type="simple",
            main_start=stamp - 10**6, main_exit=stamp - 100, active_exit=stamp, inactive_enter=stamp,
        )
        self.units[name] = replace(dead, **facts)  # type: ignore[arg-type]

    def start(self, name: str) -> None:
        self.units[name] = replace(self.units[name], active_state="active", sub_state="running", result="success")
        if name in self.lasts:
            self.at(self.now - BEGIN + self.lasts[name], lambda: self.fail(name))

    def at(self, seconds: float, what: Callable[[], None]) -> None:
        """Do it so many seconds after the beginning."""
        self.later.append((BEGIN + seconds, what))

    async def read(self, parts: frozenset[Part], units: Iterable[str]) -> Snapshot:
        failed = [u for u in self.units.values() if u.active_state == "failed" or u.name in set(units)]
        return Snapshot(
            self.now, self.machine,
            tuple(failed) if Part.UNITS in parts else None,
            tuple(self.filesystems.values()) if Part.STORAGE in parts else None,
            tuple(self.paths.values()) if Part.PERMISSIONS in parts else None,
            self.probed(),
        )

    def probed(self) -> tuple[Answer, ...]:
        """As many failures as were set for each unit; none are known once it was started."""
        return tuple(Answer(self.units[name], "127.0.0.1:80", count, "refused") for name, count in self.silent.items())

    async def evidence(self, unit: Unit) -> tuple[Mapping[str, object], list[str]]:
        return {"Result": unit.result}, [f"{unit.name} died"]

    async def heal(self, action: Action, *, wait: int = 20) -> Result:  # noqa: ARG002 - the protocol's
        self.asked.append((self.now - BEGIN, action))
        if self.answer is not None:
            return self.answer(action)
        if action.category == "service" and action.target in self.units:
            if self.units[action.target].active_state != "failed":
                return Result(Code.HEALTHY, "not ill")
            self.start(action.target)
        return Result("done")

    async def operations(self) -> frozenset[str]:
        return await DryRun().operations()

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
            if self.engine.busy:
                await self.engine.finish()
                continue
            due = min([self.engine.until, *(at for at, _ in w.later)])
            if due > end:
                w.now = end
                return
            w.now = max(w.now, due)
            for event in [e for e in w.later if e[0] <= w.now]:
                w.later.remove(event)
                event[1]()
