"""THE TABLE: each operation, what root must see first, and what systemd is asked to do.

A row's `sees` returns where the target is ill (or root's own file names it) and raises a refusal where it is not; its
`does` asks systemd, waits, and gives systemd's result. Adding an operation is one row, one unit and one test.
"""

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from . import guard, limits
from .contract import RefusedError, report
from .limits import Ledger
from .settings import Settings
from .systemd import Manager, Unit
from .wire import Variant

RUN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
FRESH = 300.0           # seconds for which a cause that was started again explains a unit that went down with it
TOGETHER = 1_000_000    # microseconds within which two units went down together
REQUIRED = 20           # units that a repair looks at, at most

ACTIVE = ("service", "socket", "timer", "path")
"""Types of unit that every service operation takes; a mount may only be started."""


class Target(Enum):
    """What the second argument of a method names."""

    UNIT = "a unit"
    NOTHING = '""'
    NAME = "a NAME of helper.toml's `run`"


@dataclass(frozen=True, slots=True)
class Row:
    """One operation."""

    target: Target
    sees: Callable[["Scene"], Awaitable[None]]
    does: Callable[["Scene"], Awaitable[str]]
    measures: tuple[str, ...] = ()                  # the folders whose used per cent is reported; the first that exists
    action: str = ""                                # the polkit action; "" = org.heald.helper.CATEGORY
    types: tuple[str, ...] = ACTIVE


@dataclass(slots=True)
class Scene:
    """What a row works with: systemd, root's file, root's ledger, and the unit that the call comes down to."""

    manager: Manager
    settings: Settings
    ledger: Ledger
    row: Row
    unit: Unit
    name: str               # the target as it was given
    before: str = ""        # measured just before systemd was asked
    also: tuple[Unit, ...] = ()     # failed units that a repair starts first
    left_out: tuple[str, ...] = ()  # those that it may not touch

    def measure(self) -> str:
        """The unit's ActiveState, or a cleaner's used per cent as df counts, or ""."""
        if self.row.target is Target.UNIT:
            return self.unit.state
        for folder in self.row.measures:
            try:
                fs = os.statvfs(folder)
            except OSError:
                continue
            used, whole = fs.f_blocks - fs.f_bfree, fs.f_blocks - fs.f_bfree + fs.f_bavail
            return f"{100 * used / whole:.0f}" if whole else ""
        return ""


async def failed_with_causes(scene: Scene) -> None:
    """It is failed; what it requires and is failed comes first, each through the same guard."""
    if scene.unit.state != "failed":
        raise RefusedError("Healthy", f"{scene.unit.id} is {scene.unit.state}, not failed")
    states = await scene.manager.states(scene.unit.names("Requires", "BindsTo", "Requisite")[:REQUIRED])
    for name in [name for name, state in states.items() if state == "failed"]:
        needed = await scene.manager.unit(name)
        try:
            guard.check_name(needed.id)
            guard.check_loaded(needed)
            await guard.check_touchable(scene.manager, needed, scene.settings, starts=True)
        except RefusedError:
            scene.left_out = (*scene.left_out, needed.id)
        else:
            scene.also = (*scene.also, needed)


async def failed_or_fallen(scene: Scene) -> None:
    """It is failed, or went down with a unit that it is bound to and that was started again just now."""
    unit = scene.unit
    if unit.state == "failed":
        return
    if unit.state == "inactive" and await _wanted(scene):
        for name in unit.names("Requires", "BindsTo"):
            if await _explains(scene, await scene.manager.unit(name)):
                return
    raise RefusedError("Healthy", f"{unit.id} is {unit.state}: neither failed nor taken down by a unit that had")


async def _wanted(scene: Scene) -> bool:
    """It is enabled, or an active target pulls it in."""
    if scene.unit.text("UnitFileState") in {"enabled", "enabled-runtime"}:
        return True
    targets = [name for name in scene.unit.names("WantedBy", "RequiredBy") if name.endswith(".target")]
    return any([(await scene.manager.unit(name)).state == "active" for name in targets])


async def _explains(scene: Scene, cause: Unit) -> bool:
    """`cause` came back less than 5 minutes ago by our hand or by Restart=, and both had gone down together."""
    since = cause.number("ActiveEnterTimestampMonotonic") / 1e6
    if cause.state != "active" or limits.monotonic() - since > FRESH:
        return False
    restarted = cause.id.endswith(".service") and bool(await scene.manager.detail(cause, "NRestarts"))
    if not restarted and not scene.ledger.started(cause.id, limits.now() - FRESH):
        return False
    exit_ = scene.unit.number("ActiveExitTimestampMonotonic")
    return not exit_ or 0 <= exit_ - cause.number("ActiveExitTimestampMonotonic") <= TOGETHER


async def active_and_listed(scene: Scene) -> None:
    """Root's file says that it may be restarted, and it is active: a stopped one stays stopped."""
    unit = scene.unit
    if not any(fnmatchcase(unit.id, glob) for glob in scene.settings.may_restart):
        raise RefusedError("AccessDenied", f"{unit.id} is not in may_restart of helper.toml")
    if unit.state != "active":
        raise RefusedError("Healthy", f"{unit.id} is {unit.state}: there is nothing to restart or reload")


async def named(scene: Scene) -> None:
    """Root's file names it."""
    if scene.name not in scene.settings.run:
        raise RefusedError("AccessDenied", f"{scene.name} is not in run of helper.toml")


async def its_unit_looks(_: Scene) -> None:
    """The operation's unit sees for itself, by its ExecCondition=."""


async def start(scene: Scene) -> str:
    """StartUnit, which bounces no healthy unit; first for the failed ones that it needs."""
    for unit in (*scene.also, scene.unit):
        result = await scene.manager.job("StartUnit", unit)
        if result == "failed" and unit.state == "failed":
            now = await scene.manager.again(unit)
            if now.properties.get("InvocationID") == unit.properties.get("InvocationID"):
                # It did not run at all: its start limit, which refuses manual starts too, until the failure is
                # forgotten. Not before: a start that systemd refuses would leave the unit down and not even failed.
                await scene.manager.reset_failed(unit)
                result = await scene.manager.job("StartUnit", unit)
    return result


def asks(member: str) -> Callable[[Scene], Awaitable[str]]:
    """One job for the unit. TryRestartUnit never starts a stopped one."""
    return lambda scene: scene.manager.job(member, scene.unit)


TABLE: dict[tuple[str, str], Row] = {
    ("service", "start"): Row(Target.UNIT, failed_or_fallen, start, types=(*ACTIVE, "mount")),
    ("service", "repair"): Row(Target.UNIT, failed_with_causes, start),
    ("service", "restart"): Row(Target.UNIT, active_and_listed, asks("TryRestartUnit")),
    ("service", "reload"): Row(Target.UNIT, active_and_listed, asks("ReloadUnit")),
    ("resource", "vacuum-journal"): Row(
        Target.NOTHING, its_unit_looks, start, measures=("/var/log/journal", "/run/log/journal")),
    ("system", "restore-permissions"): Row(Target.NOTHING, its_unit_looks, start),
    ("system", "run"): Row(Target.NAME, named, start, action="org.heald.helper.run"),
}


def find(category: str, operation: str) -> Row:
    """The row, or RefusedError InvalidArgs."""
    row = TABLE.get((category, operation))
    if row is None:
        known = ", ".join(op for c, op in TABLE if c == category)
        raise RefusedError("InvalidArgs", f"no such {category} operation: there is {known}")
    return row


async def resolve(row: Row, operation: str, target: str, manager: Manager, settings: Settings) -> Unit:
    """The unit that a call comes down to, fully checked: the target itself, or the unit of the operation."""
    if row.target is Target.UNIT:
        guard.check_name(target)
        unit = await manager.unit(target)
        guard.check_loaded(unit)
        if unit.id.rpartition(".")[2] not in row.types:
            raise RefusedError("InvalidArgs", f"{operation} takes a unit of type {', '.join(row.types)}")
        await guard.check_touchable(manager, unit, settings, starts=row.does is start)
        if row.does is start:
            await guard.check_around(manager, unit, settings)
        return unit
    if row.target is Target.NOTHING and target:
        raise RefusedError("InvalidArgs", f'{operation} takes no target: ""')
    if row.target is Target.NAME and not RUN_NAME.fullmatch(target):
        raise RefusedError("InvalidArgs", "a NAME has 1 to 64 of A-Z a-z 0-9 _ -")
    unit = await manager.unit(f"heald-{operation}{'-' if target else ''}{target}.service")
    try:
        guard.check_loaded(unit)
    except RefusedError as error:
        raise RefusedError("NotSupported", f"{unit.id} is not installed on this machine") from error
    return unit


async def _after(scene: Scene) -> Unit:
    """The unit as it is now. systemd says nothing for the moment in which it executes itself anew."""
    try:
        return await scene.manager.again(scene.unit)
    except RefusedError as refusal:
        if refusal.code != "Timeout":
            raise
        return await scene.manager.again(scene.unit)


async def supported(manager: Manager, settings: Settings) -> list[str]:
    """What this machine can do, as category/operation."""
    found = []
    for (category, operation), row in TABLE.items():
        try:
            if row.target is Target.NOTHING:
                await resolve(row, operation, "", manager, settings)
        except RefusedError:
            continue
        if row.target is not Target.NAME or settings.run:
            found.append(f"{category}/{operation}")
    return found


async def outcome(scene: Scene, job: str) -> dict[str, Variant]:
    """The report of work whose job ended as `job`; RefusedError Failed, or Healthy where its unit saw no need."""
    unit = scene.unit = await _after(scene)
    result = await scene.manager.detail(unit, "Result")
    if result == "exec-condition" and scene.row.target is Target.NOTHING:
        raise RefusedError("Healthy", f"{unit.id} found nothing to do")
    if job != "done":
        raise RefusedError("Failed", f"{unit.id}: the job ended as {job}, result {result}: see systemctl status")
    if scene.left_out:
        result = f"{result}; left out: {', '.join(scene.left_out)}"
    # A unit that was unloaded meanwhile has no stamp: nothing can be said of its conditions.
    held = unit.flag("ConditionResult") or not unit.number("ConditionTimestampMonotonic")
    state = "done" if held and result != "exec-condition" else "unchanged"
    return report(state, unit.id, str(result), scene.before, scene.measure())
