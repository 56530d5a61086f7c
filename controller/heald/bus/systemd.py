"""systemd's manager, read: which units have failed, what one unit is, how the machine is doing."""

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from ..errors import Code, HealdError
from ..readings import Unit
from .connection import Bus

SYSTEMD, MANAGER_PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
MANAGER = "org.freedesktop.systemd1.Manager"
_UNIT = "org.freedesktop.systemd1.Unit"
_INFINITY = 2**64 - 1           # how systemd writes RuntimeMaxSec=infinity
_WALK = 100                     # units looked at to see whether default.target requires one; a server has about 20
_ABSENT = frozenset({Code.FAILED, Code.INVALID_ARGS})       # systemd's answers for a path that names no unit


class Manager:
    """Reads the service manager of the bus it is given: the system's, or on a session bus the user's."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._needed: dict[str, bool] = {}      # as of the last daemon-reload

    async def subscribe(self, wake: Callable[[], None]) -> None:
        """Calls `wake` when a unit fails or recovers, when booting ends and when systemd was replaced.

        The one edge is NFailedUnits of the manager: healthy units that start and stop wake nobody (measured on 252).
        """
        def changed(body: list[Any]) -> None:
            _interface, values, invalidated = body
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

    async def failed(self) -> list[str]:
        """The names of the units that are failed now."""
        [rows] = await self._call("ListUnitsFiltered", "as", [["failed"]])
        return [row[0] for row in rows if row[3] == "failed"]       # the filter matches other states' names too

    async def unit(self, name: str) -> Unit | None:
        """One unit as it is now, from one GetAll (it loads the unit); None when there is no such unit."""
        try:
            found = await self._bus.properties(SYSTEMD, unit_path(name))
        except HealdError as why:
            if why.code in _ABSENT:
                return None
            raise
        if found.get("LoadState") == "not-found" and found.get("ActiveState") == "inactive":
            return None
        needed = await self._is_needed(str(found.get("Id", name)), _requirers(found))
        return _unit(name, found, needed=needed)

    async def state(self) -> tuple[str, float]:
        """SystemState (running, degraded, starting, …) and the seconds since userspace started."""
        state, started = await asyncio.gather(
            self._bus.property(SYSTEMD, MANAGER_PATH, MANAGER, "SystemState"),
            self._bus.property(SYSTEMD, MANAGER_PATH, MANAGER, "UserspaceTimestampMonotonic"))
        return str(state), time.clock_gettime(time.CLOCK_MONOTONIC) - started / 1e6

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

    async def _is_needed(self, name: str, requirers: set[str]) -> bool:
        """Whether default.target requires the unit (Requires=, BindsTo=, recursively), looking upward from it."""
        if not requirers:
            return False
        if name not in self._needed:
            self._needed[name] = await self._reaches_default(requirers)
        return self._needed[name]

    async def _reaches_default(self, requirers: set[str]) -> bool:
        goal = await self._bus.property(SYSTEMD, unit_path("default.target"), _UNIT, "Id")
        seen: set[str] = set()
        ahead = set(requirers)
        while ahead and len(seen) < _WALK:
            if goal in ahead:
                return True
            name = min(ahead)
            seen.add(name)
            ahead |= _requirers(await self._bus.properties(SYSTEMD, unit_path(name), _UNIT))
            ahead -= seen
        return False


def unit_path(name: str) -> str:
    """The object path of a unit: every byte but ASCII letters and digits as _xx, also a digit in front (sd-bus)."""
    return f"{MANAGER_PATH}/unit/" + "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 and not (at == 0 and chr(byte).isdigit()) else f"_{byte:02x}"
        for at, byte in enumerate(name.encode(errors="replace")))


def _requirers(found: dict[str, Any]) -> set[str]:
    return {*found.get("RequiredBy", ()), *found.get("BoundBy", ())}


def _unit(name: str, found: dict[str, Any], *, needed: bool) -> Unit:
    runtime_max = found.get("RuntimeMaxUSec", 0)
    return Unit(
        name=str(found.get("Id", name)),
        load_state=found.get("LoadState", ""),
        active_state=found.get("ActiveState", ""),
        sub_state=found.get("SubState", ""),
        result=found.get("Result", "success"),
        service_type=found.get("Type", "") if str(found.get("Id", name)).endswith(".service") else "",
        exec_main_status=found.get("ExecMainStatus", 0),
        n_restarts=found.get("NRestarts", 0),
        job=found.get("Job", (0, "/"))[0],
        invocation=bytes(found.get("InvocationID", b"")).hex(),
        active_exit=found.get("ActiveExitTimestampMonotonic", 0),
        inactive_enter=found.get("InactiveEnterTimestampMonotonic", 0),
        main_start=found.get("ExecMainStartTimestampMonotonic", 0),
        main_exit=found.get("ExecMainExitTimestampMonotonic", 0),
        runtime_max=0 if runtime_max == _INFINITY else runtime_max,
        triggered_by=tuple(found.get("TriggeredBy", ())),
        needed=needed,
        files=_latest_change([found.get("FragmentPath", ""), *found.get("DropInPaths", ())]),
    )


def _latest_change(paths: list[str]) -> float:
    """The latest ctime of files that are there, in seconds since the epoch; 0.0 when none is."""
    latest = 0.0
    for path in filter(None, paths):
        try:
            file = os.stat(path)
        except OSError:
            continue        # gone, or not ours to see: no reason to think that it changed
        if stat.S_ISREG(file.st_mode):      # a masked unit's is /dev/null, which a sandbox makes anew
            latest = max(latest, file.st_ctime)
    return latest
