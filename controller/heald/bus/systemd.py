"""systemd's manager, read: which units have failed, what one unit is, how the machine is doing."""

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from ..errors import Code, HealdError
from ..readings import Unit
from .connection import Bus
from .unit import WANTED, as_unit, requirers
from .unit_files import named_files

SYSTEMD, MANAGER_PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
MANAGER = "org.freedesktop.systemd1.Manager"
UNIT = "org.freedesktop.systemd1.Unit"
_WALK = 100                     # units looked at to see whether default.target requires one; a server has about 20
_ABSENT = frozenset({Code.FAILED, Code.INVALID_ARGS})       # systemd's answers for a path that names no unit


class Listed(NamedTuple):
    """One line of systemd's list: enough to see that a unit changed."""

    name: str
    load_state: str
    active_state: str
    sub_state: str
    job: int

    @property
    def up(self) -> bool:
        return self.active_state not in {"inactive", "failed"}


class Manager:
    """Reads the service manager of the bus it is given: the system's, or on a session bus the user's."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._needed: dict[str, bool] = {}      # as of the last daemon-reload
        self._failures = 0                        # units, as systemd last told
        self._started = 0.0                     # CLOCK_MONOTONIC of the start of userspace, once it was read

    async def subscribe(self, wake: Callable[[], None], failed: Callable[[], None] = lambda: None) -> None:
        """Calls `wake` when a unit fails or recovers, when booting ends and when systemd was replaced; before it
        `failed` where more units are failed than were.

        The one edge is NFailedUnits of the manager: healthy units that start and stop wake nobody (measured on 252).
        """
        def changed(body: list[Any]) -> None:
            _interface, values, invalidated = body
            count = values.get("NFailedUnits", self._failures)
            if count > self._failures:
                failed()
            self._failures = count
            if "NFailedUnits" in values or "NFailedUnits" in invalidated:
                wake()

        def replaced(owner: str) -> None:
            self._needed.clear()
            if owner:
                self._bus.spawn(self._subscribe_again(wake), "systemd was replaced")

        watch = self._bus.watch
        await watch(SYSTEMD, MANAGER_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", changed)
        await watch(SYSTEMD, MANAGER_PATH, MANAGER, "StartupFinished", lambda _: wake())
        await watch(SYSTEMD, MANAGER_PATH, MANAGER, "Reloading", lambda _: self._needed.clear())
        self._bus.on_owner(SYSTEMD, replaced)
        await self._subscribe()

    async def watch_jobs(self, ended: Callable[[str, str], None]) -> Callable[[], Awaitable[None]]:
        """Calls `ended` with the unit and the result of each job that ends, until the returned function is called."""
        return await self._bus.watch(SYSTEMD, MANAGER_PATH, MANAGER, "JobRemoved",
                                     lambda body: ended(str(body[2]), str(body[3])))

    async def failing(self) -> dict[str, Listed]:
        """The units that are failed now, or that systemd is about to start again, by their Id."""
        rows = _listed(await self._call("ListUnitsFiltered", "as", [["failed", "auto-restart"]]))
        return {row.name: row for row in rows if row.active_state == "failed" or row.sub_state == "auto-restart"}

    async def listed(self, names: Iterable[str]) -> dict[str, Listed]:
        """How these units are, by their Id."""
        if not (asked := list(names)):
            return {}
        return {row.name: row for row in _listed(await self._call("ListUnitsByNames", "as", [asked]))}

    async def unit(self, name: str) -> Unit | None:
        """One unit as it is now, from one GetAll (it loads the unit); None when there is no such unit.

        Of one that is down it is also read what would stand in the way of a start, and whether anyone wants it.
        """
        try:
            found = await self._bus.properties(SYSTEMD, unit_path(name), keys=WANTED)
        except HealdError as why:
            if why.code in _ABSENT:
                return None
            raise
        if found.get("LoadState") == "not-found" and found.get("ActiveState") == "inactive":
            return None
        needed = await self._is_needed(str(found.get("Id", name)), requirers(found))
        unit = as_unit(name, found, needed=needed)
        if unit.active_state not in {"failed", "inactive"}:
            return unit
        against = {*found.get("Conflicts", ()), *found.get("ConflictedBy", ())} - {"shutdown.target"}
        if unit.active_state == "failed":
            needs = {n for key in ("Requires", "BindsTo", "Wants") for n in found.get(key, ())
                     if n != "sysinit.target" and not n.endswith(".slice")}
            listed = await self.listed(against | needs)
            down = sorted(row.name for row in listed.values() if row.active_state == "inactive" and row.name in needs)
            unit = replace(unit, stopped_needs=tuple([name for name in down if await self._was_stopped(name)]))
        else:
            pulls = {n for n in (*found.get("WantedBy", ()), *found.get("RequiredBy", ())) if n.endswith(".target")}
            listed = await self.listed(against | pulls)
            # What a person stopped may be unloaded and lose its stamp, but not what an active target wants.
            enabled = bool(unit.active_exit) and found.get("UnitFileState") in {"enabled", "enabled-runtime"}
            unit = replace(unit, wanted=enabled or any(listed[name].up for name in pulls & listed.keys()))
        up = {row.name for row in listed.values() if row.up}
        return replace(unit, conflicts=tuple(sorted(up & against)))

    async def _was_stopped(self, name: str) -> bool:
        """In root's sense: it was up, and is none of those that the bus or a trigger starts when it is called for."""
        found = await self._bus.properties(SYSTEMD, unit_path(name), UNIT)
        if not found["ActiveExitTimestampMonotonic"] or any(alias.startswith("dbus-") for alias in found["Names"]):
            return False
        return not any(row.up for row in (await self.listed(found["TriggeredBy"])).values())

    async def files(self, name: str) -> tuple[str, ...]:
        """The files that a unit is made of and those that it names. HealdError from the bus."""
        return tuple(named_files(name, await self._bus.properties(SYSTEMD, unit_path(name))))

    async def state(self) -> tuple[str, float]:
        """SystemState (running, degraded, starting, …) and the seconds since userspace started."""
        if not self._started:
            stamp = await self._bus.property(SYSTEMD, MANAGER_PATH, MANAGER, "UserspaceTimestampMonotonic")
            self._started = stamp / 1e6
        state = await self._bus.property(SYSTEMD, MANAGER_PATH, MANAGER, "SystemState")
        return str(state), time.clock_gettime(time.CLOCK_MONOTONIC) - self._started

    async def _call(self, member: str, signature: str = "", body: Iterable[object] = ()) -> list[Any]:
        return await self._bus.call(SYSTEMD, MANAGER_PATH, MANAGER, member, signature, list(body))

    async def _subscribe(self) -> None:
        """Without it systemd sends no signal. That we are subscribed already is no error: it outlives a reexec."""
        try:
            await self._call("Subscribe")
        except HealdError as why:
            if why.code is not Code.FAILED:
                raise

    async def _subscribe_again(self, wake: Callable[[], None]) -> None:
        with suppress(HealdError):      # it went again, or the bus did: NameOwnerChanged or `lost` tells
            await self._subscribe()
        wake()

    async def _is_needed(self, name: str, above: set[str]) -> bool:
        """Whether default.target requires the unit (Requires=, BindsTo=, recursively), looking upward from it."""
        if not above:
            return False
        if name not in self._needed:
            self._needed[name] = await self._reaches_default(above)
        return self._needed[name]

    async def _reaches_default(self, above: set[str]) -> bool:
        goal = await self._bus.property(SYSTEMD, unit_path("default.target"), UNIT, "Id")
        seen: set[str] = set()
        ahead = set(above)
        while ahead and len(seen) < _WALK:
            if goal in ahead:
                return True
            name = min(ahead)
            seen.add(name)
            ahead |= requirers(await self._bus.properties(SYSTEMD, unit_path(name), UNIT))
            ahead -= seen
        return False


def _listed(body: list[Any]) -> list[Listed]:
    [rows] = body
    return [Listed(row[0], row[2], row[3], row[4], row[7]) for row in rows]


def unit_path(name: str) -> str:
    """The object path of a unit: every byte but ASCII letters and digits as _xx, also a digit in front (sd-bus)."""
    return f"{MANAGER_PATH}/unit/" + "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 and not (at == 0 and chr(byte).isdigit()) else f"_{byte:02x}"
        for at, byte in enumerate(name.encode(errors="replace")))
