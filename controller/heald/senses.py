"""The sensors joined to one reading of a machine."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from heald import clock
from heald.bus.login1 import Login
from heald.bus.systemd import Manager
from heald.readings import Machine, Part, Snapshot, Unit
from heald.sensors import generations, journal, machine, permissions, storage, temperature
from heald.sensors.container import in_container
from heald.sensors.load import LoadSensor
from heald.sensors.probes import Prober
from heald.sensors.units import Units

EVIDENCE = ("result", "exec_main_status", "n_restarts", "service_type", "invocation")
OWN = frozenset({Part.UNITS, Part.PROBES})
"""What a person has of their own; all else is the machine's."""


class Senses(Protocol):
    """What the engine reads the machine through. HealdError when it cannot be read now."""

    async def read(self, parts: frozenset[Part], units: Iterable[str]) -> Snapshot:
        """A fresh reading of `parts`; of the units the failed ones and these."""

    async def evidence(self, unit: Unit, seen: float) -> tuple[Mapping[str, object], list[str]]:
        """What a repair would bury: systemd's properties of the failure, the journal's last lines until `seen`."""

    async def follow_jobs(self, ended: Callable[[str, str], None] | None) -> None:
        """From now on call `ended` with the unit and the result of each of systemd's jobs that ends; None: no more."""


@dataclass(slots=True)
class SystemSenses:
    """Reads the machine that heald runs on. `login` None: nobody follows shutdown and sleep (one look, by a person).

    `limited` names the units that heald has limited: that they wait is its own doing. `own`: `manager` is a person's
    own systemd, and nothing of the machine is read but what all stand back for.
    """

    manager: Manager
    login: Login | None = None
    limited: Callable[[], Iterable[str]] = tuple
    load: LoadSensor = field(default_factory=LoadSensor)
    prober: Prober | None = None
    paused: Callable[[], Mapping[str, str]] = dict      # subjects, and until when
    own: bool = False
    units: Units = field(init=False)
    _unfollow: Callable[[], Awaitable[None]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.units = Units(self.manager, own=self.own)

    async def read(self, parts: frozenset[Part], names: Iterable[str]) -> Snapshot:
        """A fresh reading; HealdError when systemd does not answer."""
        now = clock.boottime()      # before the look: what a repair mends meanwhile was not seen ill after it
        parts = parts & OWN if self.own else parts
        login = self.login
        # Of all this the units take longest: they are asked for first, and what needs no answer is read meanwhile.
        listed = asyncio.Event()
        asked = asyncio.gather(self._units(parts, names, listed), self._packages(), self._state(listed))
        try:
            await listed.wait()
            disks = storage.read() if Part.STORAGE in parts else None
            modes = permissions.read() if Part.PERMISSIONS in parts else None
            switching, short = machine.switching(), not in_container() and machine.short_of_memory()
            failed, packages, (state, up) = await asked
        finally:
            asked.cancel()
        switching = switching or machine.switching()        # one that began meanwhile has changed the units under us
        whole = Machine(
            state, up, login is not None and login.shutting_down, login is not None and login.sleeping,
            login.woke if login else None, packages=packages, switching=switching, paused=self.paused(),
            short_of_memory=short,
        )
        return Snapshot(
            now, whole, failed, disks, modes,
            loads=await self.load.read(self.limited()) if Part.LOAD in parts else None,
            temperatures=temperature.read() if Part.TEMPERATURE in parts else None,
            answers=await self.prober.read(self.manager) if self.prober and Part.PROBES in parts else None,
        )

    async def _packages(self) -> str:
        return await self.login.packages() if self.login else ""

    async def _units(self, parts: frozenset[Part], names: Iterable[str],
                     listed: asyncio.Event) -> tuple[Unit, ...] | None:
        try:
            rows = await self.units.listed(names) if Part.UNITS in parts else None
        finally:
            listed.set()
        return None if rows is None else generations.told(await self.units.read(rows))

    async def _state(self, listed: asyncio.Event) -> tuple[str, float]:
        await listed.wait()
        return await self.manager.state()

    async def follow_jobs(self, ended: Callable[[str, str], None] | None) -> None:
        """Call `ended` with the unit and the result of each of systemd's jobs that ends; None: no more."""
        unfollow, self._unfollow = self._unfollow, None     # it can be done once, whatever the bus says to it
        if unfollow is not None:
            await unfollow()
        self._unfollow = await self.manager.watch_jobs(ended) if ended else None

    async def evidence(self, unit: Unit, seen: float) -> tuple[Mapping[str, object], list[str]]:
        """What systemd said of the failure, and the last lines of the unit's journal until `seen`, a boottime."""
        lines = await journal.last_lines(unit.name, until=seen + clock.offset(), user=self.own)
        return {name: getattr(unit, name) for name in EVIDENCE}, lines
