"""Healing one unit: what root must see of it, and the job that systemd is asked for."""

from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase

from . import around, guard
from .contract import RefusedError
from .scene import Scene
from .systemd import Unit

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
            await around.check(scene.manager, scene.ledger, needed, scene.settings)
        except RefusedError:
            scene.left_out = (*scene.left_out, needed.id)
        else:
            scene.also = (*scene.also, needed)


async def failed_or_fallen(scene: Scene) -> None:
    """It is failed, or went down with a unit that it is bound to and that was started again just now."""
    unit = scene.unit
    if unit.state != "failed" and not await around.has_fallen(scene.manager, scene.ledger, unit):
        raise RefusedError("Healthy", f"{unit.id} is {unit.state}: neither failed nor taken down by a unit that had")


async def active_and_listed(scene: Scene) -> None:
    """Root's file says that it may be restarted, and it is active: a stopped one stays stopped."""
    unit = scene.unit
    if not any(fnmatchcase(unit.id, glob) for glob in scene.settings.may_restart):
        raise RefusedError("AccessDenied", f"{unit.id} is not in may_restart of helper.toml")
    if unit.state != "active":
        raise RefusedError("Healthy", f"{unit.id} is {unit.state}: there is nothing to restart or reload")


async def restartable(scene: Scene) -> None:
    """The same, and of what systemd would restart with it nothing is protected."""
    await active_and_listed(scene)
    await around.check_restart(scene.manager, scene.unit, scene.settings)


async def start(scene: Scene) -> str:
    """StartUnit, which bounces no healthy unit; first for the failed ones that it needs.

    Each job may take minutes: what is not failed any more when its turn comes was healed, or somebody stopped it. One
    that did not start ends it, since systemd would start it once more with the next.
    """
    for needed in scene.also:
        state = (await scene.manager.again(needed)).state
        if state == "inactive":
            raise RefusedError("Busy", f"somebody is at work on {needed.id}: try again")
        if state == "failed" and (result := await _start(scene, needed)) not in {"done", "skipped"}:
            scene.unit = needed
            return result
    if scene.also and (state := (await scene.manager.again(scene.unit)).state) != "failed":
        raise RefusedError("Healthy", f"{scene.unit.id} is {state}, not failed any more")
    return await _start(scene, scene.unit)


async def _start(scene: Scene, unit: Unit) -> str:
    result = await scene.manager.job("StartUnit", unit)
    if result == "failed" and unit.state == "failed":
        now = await scene.manager.again(unit)
        if now.properties.get("InvocationID") == unit.properties.get("InvocationID"):
            # It did not run at all: its start limit, which refuses manual starts too, until the failure is forgotten.
            # Not before: a start that systemd refuses would leave the unit down and not even failed.
            await scene.manager.reset_failed(unit)
            result = await scene.manager.job("StartUnit", unit)
    return result


def asks(member: str) -> Callable[[Scene], Awaitable[str]]:
    """One job for the unit. TryRestartUnit never starts a stopped one."""
    return lambda scene: scene.manager.job(member, scene.unit)
