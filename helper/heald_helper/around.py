"""What a start of one unit does to others: systemd starts what it needs, and stops what conflicts with that."""

from collections.abc import AsyncIterator

from . import guard, limits
from .contract import RefusedError
from .limits import Ledger
from .settings import Settings
from .systemd import Manager, Unit

FRESH = 300.0           # seconds for which a cause that was started again explains a unit that went down with it
TOGETHER = 1_000_000    # microseconds within which two units went down together
MOST = 50               # units that are down and that one start may start besides
DOWN = {"inactive", "failed"}


async def check(manager: Manager, ledger: Ledger, unit: Unit, settings: Settings) -> None:
    """RefusedError Protected where a start of `unit` would stop a unit that is up, or would start one that root
    protects, one that is never touched and failed, or one that is down because somebody stopped it."""
    seen, ahead = {unit.id}, [unit]
    while ahead:
        one = ahead.pop()
        async for needed in _started_with(manager, unit, one):
            if needed.id in seen:
                continue
            seen.add(needed.id)
            ahead.append(needed)
            would = f"a start of {unit.id} would start {needed.id}"
            if len(seen) > MOST:
                raise RefusedError("Protected", f"{would} and {MOST} more")
            if guard.is_protected(needed, settings):
                raise RefusedError("Protected", f"{would}, protected in helper.toml")
            required = needed.id in one.names("Requires", "BindsTo")
            if required and needed.state == "failed" and guard.is_never_touched(needed, starts=True):
                raise RefusedError("Protected", f"{would}, which is never touched by heald")
            if await _was_stopped(manager, needed) and not await has_fallen(manager, ledger, needed):
                raise RefusedError("Protected", f"{would}, which was stopped: start it if it should run")


async def check_restart(manager: Manager, unit: Unit, settings: Settings) -> None:
    """RefusedError Protected where systemd would restart with it a unit that root protects or that is never touched."""
    states = await manager.states(unit.names("RequiredBy", "BoundBy", "ConsistsOf"))
    for name in [name for name, state in states.items() if state not in DOWN]:
        other = await manager.unit(name)
        if guard.is_protected(other, settings) or guard.is_never_touched(other, starts=False):
            raise RefusedError("Protected", f"a restart of {unit.id} would restart {name}, which is protected")


async def _started_with(manager: Manager, unit: Unit, one: Unit) -> AsyncIterator[Unit]:
    """The units that are down and that a start of `one` starts."""
    conflicts, needs = one.names("Conflicts", "ConflictedBy"), one.names("Requires", "BindsTo", "Wants")
    states = await manager.states([*conflicts, *needs])
    for name, state in states.items():
        if state not in DOWN and name in conflicts:
            raise RefusedError("Protected", f"a start of {unit.id} would stop {name}")
    for name, state in states.items():
        if state in DOWN and name in needs:
            needed = await manager.unit(name)
            if needed.text("LoadState") == "loaded":
                yield needed


async def _was_stopped(manager: Manager, unit: Unit) -> bool:
    """It was up and is down without a failure, and is none of those that come and go as they are called for: which the
    bus starts, by an alias dbus-NAME, or a trigger that is up."""
    if unit.state != "inactive" or not unit.number("ActiveExitTimestampMonotonic"):
        return False
    if any(name.startswith("dbus-") for name in unit.names("Names")):
        return False
    return all(state in DOWN for state in (await manager.states(unit.names("TriggeredBy"))).values())


async def has_fallen(manager: Manager, ledger: Ledger, unit: Unit) -> bool:
    """It went down with a unit that it is bound to and that was started again just now, and somebody wants it."""
    if unit.state != "inactive":
        return False
    if unit.number("ActiveExitTimestampMonotonic"):
        enabled = unit.text("UnitFileState") in {"enabled", "enabled-runtime"}
        wanted = enabled or await _is_pulled_in(manager, unit)
    else:
        # It was never up, or was unloaded since, as what a person stopped may be; but not what an active target wants.
        # A oneshot that ended well has never been up either.
        wanted = await _is_pulled_in(manager, unit) and await manager.detail(unit, "Type") != "oneshot"
    if not wanted:
        return False
    for name in unit.names("Requires", "BindsTo"):
        if await _explains(manager, ledger, await manager.unit(name), unit):
            return True
    return False


async def _is_pulled_in(manager: Manager, unit: Unit) -> bool:
    """An active target wants it."""
    targets = [name for name in unit.names("WantedBy", "RequiredBy") if name.endswith(".target")]
    return any([(await manager.unit(name)).state == "active" for name in targets])


async def _explains(manager: Manager, ledger: Ledger, cause: Unit, unit: Unit) -> bool:
    """`cause` came back less than 5 minutes ago by our hand or by Restart=, and both had gone down together."""
    since = cause.number("ActiveEnterTimestampMonotonic") / 1e6
    if cause.state != "active" or limits.monotonic() - since > FRESH:
        return False
    restarted = cause.id.endswith(".service") and bool(await manager.detail(cause, "NRestarts"))
    if not restarted and not ledger.started(cause.id, limits.now() - FRESH):
        return False
    exit_ = unit.number("ActiveExitTimestampMonotonic")
    return not exit_ or 0 <= exit_ - cause.number("ActiveExitTimestampMonotonic") <= TOGETHER
