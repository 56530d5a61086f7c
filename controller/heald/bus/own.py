"""A person's own units are healed by their own systemd, with their own rights: no root, no polkit, nobody to ask.

It stands where root's helper stands for the machine's units, and as root does it looks before it acts.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from ..errors import Code, HealdError
from ..model import Action, Category, Result
from .connection import Bus
from .systemd import MANAGER, MANAGER_PATH, SYSTEMD, unit_path

JOBS = {"start": "StartUnit", "repair": "StartUnit", "restart": "TryRestartUnit", "reload": "ReloadUnit"}
"""What systemd is asked for; TryRestartUnit never starts a stopped unit."""
TYPES = (".service", ".socket", ".timer", ".path")
NEVER = ("dbus", "heald", "systemd-", "app-")
"""What a session stands on, ourselves, and the applications that a desktop starts, which a person ends as they like."""
_MODE = "fail"              # `replace` would cancel the person's stop
_LOST = 3600.0              # seconds after which the end of a job is no longer waited for
_REQUIRED = 20              # units that a repair looks at, at most
_UP = frozenset({"active", "reloading"})


class OwnManager:
    """A Helper for the person whose systemd is on the session bus `bus`. It sends signals once it is subscribed to."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._ended: dict[str, asyncio.Future[str]] = {}        # job -> systemd's result of it
        self._work: set[asyncio.Task[str]] = set()

    async def start(self) -> None:
        """Hears of the ends of jobs from now on. Raises as Bus.watch."""
        await self._bus.watch(SYSTEMD, MANAGER_PATH, MANAGER, "JobRemoved", self._job_removed)

    async def operations(self) -> frozenset[str]:
        """Those on units; the others are for the machine."""
        return frozenset(f"{Category.SERVICE}/{name}" for name in JOBS)

    async def heal(self, action: Action, *, wait: int = 20) -> Result:
        """Has one action done; waits `wait` seconds for its end. An error is a Result with its code."""
        if action.category is not Category.SERVICE:
            return Result(Code.NOT_SUPPORTED, f"{action.name} is the machine's, not a person's own")
        try:
            unit = await self._unit(action.target)
            _check(unit)
            await self._check_ill(action.operation, unit)
            work = asyncio.create_task(self._do(action.operation, unit))
            self._work.add(work)
            work.add_done_callback(self._forget)
            done, _ = await asyncio.wait({work}, timeout=wait)
            if not done:
                return Result("running", f"its job has not ended after {wait} s")
            return await self._ended_with(unit, work.result())
        except HealdError as why:
            return Result(why.code.value, str(why))

    async def _do(self, operation: str, unit: dict[str, Any]) -> str:
        """systemd's result of the last job. What the unit requires and is failed comes first where it is repaired."""
        if operation == "repair":
            for name in await self._failed({*unit["Requires"], *unit["BindsTo"]}):
                needed = await self._unit(name)
                if not _refusal(needed):
                    await self._start(needed)
        if operation in {"start", "repair"}:
            return await self._start(unit)
        return await self._job(JOBS[operation], unit["Id"])

    async def _start(self, unit: dict[str, Any]) -> str:
        """A unit at its start limit refuses this, too, until its failure is forgotten: only then is it, and not before,
        for a start that is refused for another reason would leave it down and not even failed."""
        result = await self._job("StartUnit", unit["Id"])
        if result == "failed" and unit["ActiveState"] == "failed":
            now = await self._unit(unit["Id"])
            if now["InvocationID"] == unit["InvocationID"]:
                await self._manager("ResetFailedUnit", "s", unit["Id"])
                result = await self._job("StartUnit", unit["Id"])
        return result

    async def _job(self, member: str, name: str) -> str:
        [job] = await self._manager(member, "ss", name, _MODE)
        ended = self._ended.setdefault(job, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(_LOST):
                return await ended
        except TimeoutError:
            return "timeout"
        finally:
            self._ended.pop(job, None)

    def _job_removed(self, body: list[Any]) -> None:
        """(u id, o job, s unit, s result): it may come before the answer that names the job."""
        ended = self._ended.setdefault(str(body[1]), asyncio.get_running_loop().create_future())
        if not ended.done():
            ended.set_result(str(body[3]))
        if not self._work:
            self._ended.clear()         # somebody else's

    def _forget(self, work: asyncio.Task[str]) -> None:
        self._work.discard(work)
        if not work.cancelled():
            work.exception()            # nobody may be left who waits for it

    async def _check_ill(self, operation: str, unit: dict[str, Any]) -> None:
        """HealdError(HEALTHY) where there is nothing to do: somebody was faster, or thinks otherwise."""
        state, fallen = unit["ActiveState"], False
        if operation == "start" and state == "inactive":        # with what it is bound to, which is back
            fallen = any(row[3] == "active" for row in await self._rows({*unit["Requires"], *unit["BindsTo"]}))
        wanted = {"active"} if operation in {"restart", "reload"} else {"failed"}
        if state not in wanted and not fallen:
            raise HealdError(Code.HEALTHY, f"{unit['Id']} is {state}: there is nothing to {operation}")

    async def _ended_with(self, before: dict[str, Any], result: str) -> Result:
        """JobRemoved says done also where a condition kept systemd from starting it."""
        after = await self._unit(before["Id"])
        change = f"{before['ActiveState']} -> {after['ActiveState']}"
        if result != "done":
            return Result(Code.FAILED, f"{change}: systemd's job ended {result}, see systemctl --user status")
        return Result("done" if after["ConditionResult"] or after["ActiveState"] in _UP else "unchanged", change)

    async def _failed(self, names: Iterable[str]) -> list[str]:
        return [row[0] for row in (await self._rows(names))[:_REQUIRED] if row[3] == "failed"]

    async def _rows(self, names: Iterable[str]) -> list[Any]:
        """systemd's lines for these: name, …, ActiveState in the fourth place."""
        [rows] = await self._manager("ListUnitsByNames", "as", sorted(names))
        return list(rows)

    async def _unit(self, name: str) -> dict[str, Any]:
        return await self._bus.properties(SYSTEMD, unit_path(name), "org.freedesktop.systemd1.Unit")

    async def _manager(self, member: str, signature: str, *body: object) -> list[Any]:
        return await self._bus.call(SYSTEMD, MANAGER_PATH, MANAGER, member, signature, body)


def _check(unit: dict[str, Any]) -> None:
    if why := _refusal(unit):
        raise HealdError(Code.PROTECTED, why)


def _refusal(unit: dict[str, Any]) -> str:
    """Why heald never touches a unit; "" where it may."""
    name = unit["Id"]
    if unit["LoadState"] != "loaded":
        return f"{name} cannot be started: it is {unit['LoadState']}"
    if not name.endswith(TYPES) or name.startswith(NEVER):
        return f"{name} is never touched"
    if unit["Transient"]:
        return f"{name} was started by a program and not from a file: only that program knows what it is for"
    return f"{name} may not be started by hand" if unit["RefuseManualStart"] else ""
