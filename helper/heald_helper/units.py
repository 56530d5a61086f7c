"""Healing one unit: what root must see of it, and the job that systemd is asked for."""

from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase

from . import guard, limits
from .contract import RefusedError
from .scene import Scene
from .systemd import Unit

FRESH = 300.0           # seconds for which a cause that was started again explains a unit that went down with it
TOGETHER = 1_000_000    # microseconds within which two units went down together
REQUIRED = 20           # units that a repair looks at, at most


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
