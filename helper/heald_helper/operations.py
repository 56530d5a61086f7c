"""THE TABLE: each operation, what root must see first, and what systemd is asked to do.

A row's `sees` returns where the target is ill (or root's own file names it) and raises a refusal where it is not; its
`does` asks systemd, waits, and gives systemd's result. Adding an operation is one row, one unit and one test.
"""

import os
import re

from . import around, bounds, generations, guard
from .contract import RefusedError, Request, report
from .limits import Ledger
from .scene import ACTIVE, Row, Scene, Target
from .settings import Settings
from .systemd import Manager, Unit
from .units import active_and_listed, asks, failed_or_fallen, failed_with_causes, restartable, start
from .wire import Variant

BETWEEN = re.compile(r"[0-9]{1,9}-[0-9]{1,9}", re.ASCII)
RUN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
SERVICE = ("service",)
PACKAGERS = ("/etc/apt", "/etc/dnf")     # the helper sees no programs
CACHES = ("/var/cache/apt/archives", "/var/cache/dnf", "/var/cache/libdnf5")


async def named(scene: Scene) -> None:
    """Root's file names it."""
    if scene.name not in scene.settings.run:
        raise RefusedError("AccessDenied", f"{scene.name} is not in run of helper.toml")


async def root_installed_it(_: Scene) -> None:
    """Root wrote the unit for this one purpose: nothing is healed by it."""


async def its_unit_looks(_: Scene) -> None:
    """The operation's unit sees for itself, by its ExecCondition=."""


async def profile_leads_somewhere(_: Scene) -> None:
    """With a profile that leads nowhere, all that it kept would go. All else its unit sees."""
    if generations.has_profile():
        generations.current()


async def may_roll_back(scene: Scene) -> None:
    """Both generations are what the caller takes them for; the controller is bound by more."""
    generations.check(scene.name)
    if scene.own:
        failed = await scene.manager.failed()
        generations.check_own(scene.name, failed, allowed=scene.settings.auto_rollback,
                              since_boot=scene.ledger.has_begun("system/rollback"))


async def roll_back(scene: Scene) -> str:
    """For the controller a timer runs first: where the machine is not well when it ends, all is taken back."""
    if scene.own:
        timer = await scene.manager.unit(f"heald-return@{scene.name}.timer")
        if await scene.manager.job("StartUnit", timer) != "done":
            raise RefusedError("Failed", f"{timer.id} did not start: nothing was done")
    return await start(scene)


TABLE: dict[tuple[str, str], Row] = {
    ("service", "start"): Row(Target.UNIT, failed_or_fallen, start, types=(*ACTIVE, "mount")),
    ("service", "repair"): Row(Target.UNIT, failed_with_causes, start),
    ("service", "restart"): Row(Target.UNIT, restartable, asks("TryRestartUnit")),
    ("service", "reload"): Row(Target.UNIT, active_and_listed, asks("ReloadUnit")),
    ("resource", "limit-memory"): Row(
        Target.UNIT, *bounds.narrow(bounds.MEMORY), types=SERVICE, here=lambda: bounds.here(bounds.MEMORY)),
    ("resource", "limit-cpu"): Row(
        Target.UNIT, *bounds.narrow(bounds.CPU), types=SERVICE, here=lambda: bounds.here(bounds.CPU)),
    ("resource", "unlimit"): Row(Target.UNIT, bounds.is_ours, bounds.widen, types=SERVICE, lifts=True),
    ("resource", "vacuum-journal"): Row(
        Target.NOTHING, its_unit_looks, start, measures=("/var/log/journal", "/run/log/journal")),
    ("resource", "clean-temporary"): Row(Target.NOTHING, its_unit_looks, start, measures=("/tmp", "/var/tmp")),  # noqa: S108  looked at
    ("resource", "clean-packages"): Row(
        Target.NOTHING, its_unit_looks, start, measures=CACHES, here=lambda: any(map(os.path.exists, PACKAGERS))),
    ("system", "restore-permissions"): Row(Target.NOTHING, its_unit_looks, start),
    ("system", "collect-garbage"): Row(
        Target.NOTHING, profile_leads_somewhere, start, measures=generations.STORE, here=generations.has_store),
    ("system", "drop-generations"): Row(
        Target.NOTHING, profile_leads_somewhere, start, measures=generations.STORE, here=generations.has_profile),
    ("system", "verify-store"): Row(Target.NOTHING, its_unit_looks, start, here=generations.has_store),
    ("system", "optimise-store"): Row(
        Target.NOTHING, its_unit_looks, start, measures=generations.STORE, here=generations.has_store),
    ("system", "trim"): Row(Target.NOTHING, its_unit_looks, start),
    ("system", "rollback"): Row(Target.GENERATIONS, may_roll_back, roll_back, here=generations.has_profile,
                                action="org.heald.helper.rollback", says=generations.SAYS),
    ("system", "run"): Row(Target.NAME, named, start, action="org.heald.helper.run"),
    ("system", "alert"): Row(Target.INCIDENT, root_installed_it, start),
}


def find(category: str, operation: str) -> Row:
    """The row, or RefusedError InvalidArgs."""
    row = TABLE.get((category, operation))
    if row is None:
        known = ", ".join(op for c, op in TABLE if c == category)
        raise RefusedError("InvalidArgs", f"no such {category} operation: there is {known}")
    return row


def unit_name(row: Row, request: Request) -> str:
    """What the unit is called that a call comes down to: the target itself, or the unit of the operation.

    RefusedError NotSupported where the machine lacks what the operation is for, InvalidArgs where the target is not of
    the kind that it takes.
    """
    operation, target, between = request.operation, request.target, request.generations
    if not row.here():
        raise RefusedError("NotSupported", f"{operation} needs what this machine does not have")
    if row.target in {Target.NOTHING, Target.GENERATIONS} and target:
        raise RefusedError("InvalidArgs", f'{operation} takes no target: ""')
    if row.target is Target.NAME and not RUN_NAME.fullmatch(target):
        raise RefusedError("InvalidArgs", "a NAME has 1 to 64 of A-Z a-z 0-9 _ -")
    if row.target is Target.INCIDENT and not NUMBER.fullmatch(target):
        raise RefusedError("InvalidArgs", "an incident has a number of 1 to 19 digits")
    if bool(BETWEEN.fullmatch(between)) is not (row.target is Target.GENERATIONS):
        raise RefusedError("InvalidArgs", "options current and target are two generations, and for rollback alone")
    if row.target is Target.UNIT:
        guard.check_name(target)
        return target
    joint = {Target.NAME: "-", Target.INCIDENT: "@", Target.GENERATIONS: "@"}.get(row.target, "")
    return f"heald-{operation}{joint}{target}{between}.service"


async def check(row: Row, unit: Unit, manager: Manager, settings: Settings, ledger: Ledger) -> None:
    """RefusedError where root does not do this with this unit."""
    if row.target is not Target.UNIT:
        try:
            guard.check_loaded(unit)
        except RefusedError as error:
            raise RefusedError("NotSupported", f"{unit.id} is not installed on this machine") from error
        return
    guard.check_loaded(unit)
    if unit.id.rpartition(".")[2] not in row.types:
        raise RefusedError("InvalidArgs", f"takes a unit of type {', '.join(row.types)}, not {unit.id}")
    if not (row.lifts and ledger.held(unit.id)):    # what root did under the guard, root may take back
        await guard.check_touchable(manager, unit, settings, starts=row.does is start)
    if row.does is start:
        await around.check(manager, ledger, unit, settings)


async def _after(scene: Scene) -> Unit:
    """The unit as it is now. systemd says nothing for the moment in which it executes itself anew."""
    try:
        return await scene.manager.again(scene.unit)
    except RefusedError as refusal:
        if refusal.code != "Timeout":
            raise
        return await scene.manager.again(scene.unit)


async def supported(manager: Manager, settings: Settings, ledger: Ledger) -> list[str]:
    """What this machine can do, as category/operation. RefusedError Timeout where systemd is silent: that is no no."""
    found, any_ = [], {Target.NOTHING: "", Target.INCIDENT: "0"}
    for (category, operation), row in TABLE.items():
        try:
            if row.target in any_:
                request = Request(category, operation, any_[row.target], 0, "")
                unit = await manager.unit(unit_name(row, request))
                await check(row, unit, manager, settings, ledger)
        except RefusedError as refusal:
            if refusal.code == "Timeout":
                raise
            continue
        if row.here() and (row.target is not Target.NAME or settings.run):
            found.append(f"{category}/{operation}")
    return found


async def outcome(scene: Scene, job: str) -> dict[str, Variant]:
    """The report of work whose job ended as `job`; RefusedError Failed, or Healthy where its unit saw no need."""
    unit = scene.unit = await _after(scene)
    result = "success" if scene.values else await scene.manager.detail(unit, "Result")
    if result == "exec-condition" and scene.row.target is Target.NOTHING:
        raise RefusedError("Healthy", f"{unit.id} found nothing to do")
    if job != "done" and (meant := scene.row.says.get(await scene.manager.detail(unit, "ExecMainStatus"))):
        raise RefusedError("Failed", f"{unit.id}: {meant}")
    if job != "done":
        raise RefusedError("Failed", f"{unit.id}: the job ended as {job}, result {result}: see systemctl status")
    if scene.left_out:
        result = f"{result}; left out: {', '.join(scene.left_out)}"
    # A unit that was unloaded meanwhile has no stamp: nothing can be said of its conditions.
    held = unit.flag("ConditionResult") or not unit.number("ConditionTimestampMonotonic")
    state = "done" if scene.values or (held and result != "exec-condition") else "unchanged"
    return report(state, unit.id, str(result), scene.before, scene.measure())
