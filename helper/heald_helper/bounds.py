"""Limits on one unit's memory and processor time: what root must see first, how low they go, and the way back.

They hold until the next boot at most: systemd keeps them in a drop-in of ours below /run. What was there before is in
the ledger. Whoever sets the value by hand meanwhile has the last word: systemd's file order would otherwise let ours
outrank theirs.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from . import guard
from .contract import RefusedError
from .limits import Held
from .scene import Scene
from .systemd import Unit

CGROUPS = "/sys/fs/cgroup"
ROOM = 110              # per cent of the memory that it cannot give back: less would stop it instead of slowing it
FLOOR = 64 << 20        # bytes: a unit that holds less is not why memory is short
OURS = "/run/systemd/system.control/"
UNLIMIT = "heald-unlimit@{}:{}:{}.service"
"""Removes our drop-in: its property, the value that it must still say, the unit."""

Look = tuple[Callable[[Scene], Awaitable[None]], Callable[[Scene], Awaitable[str]]]
"""What a row sees and does."""


class Limit(NamedTuple):
    """A property of systemd's, and the pressure that allows it: a line and an average of the controller's file."""

    name: str
    controller: str
    line: str
    average: str
    above: float                        # per cent of the time
    value: Callable[[str], int]         # from the unit's own cgroup


def memory_to_leave(cgroup: str) -> int:
    """Bytes, whole pages: of what it holds, only the anonymous and the shared cannot be read again from a disk."""
    rows = (line.split() for line in _lines(f"{cgroup}/memory.stat"))
    stat = {row[0]: int(row[1]) for row in rows}
    held = stat["anon"] + stat["shmem"]
    if held < FLOOR:
        raise RefusedError("Healthy", f"it holds {held >> 20} MiB: memory is not short because of it")
    return held * ROOM // 100 >> 12 << 12


MEMORY = Limit("MemoryHigh", "memory", "full", "avg10", 5, memory_to_leave)
CPU = Limit("CPUWeight", "cpu", "some", "avg60", 50, lambda _: 20)
NAMES = (MEMORY.name, CPU.name)


def here(limit: Limit) -> bool:
    """Whether this machine has the controller and says how pressed it is."""
    try:
        pressure(limit)
        return limit.controller in _lines(f"{CGROUPS}/cgroup.controllers")[0].split()
    except (OSError, ValueError, LookupError):
        return False


def pressure(limit: Limit) -> float:
    """Per cent of the time for which the whole machine was held up. OSError, ValueError, KeyError: it does not say."""
    lines = map(str.split, _lines(f"{CGROUPS}/{limit.controller}.pressure"))
    [line] = [words for words in lines if words[0] == limit.line]
    return float(dict(word.split("=") for word in line[1:])[limit.average])


def narrow(limit: Limit) -> Look:
    """One limit, set lower than what is in force; never a second time before it was lifted."""

    async def sees(scene: Scene) -> None:
        unit, manager = scene.unit, scene.manager
        try:
            if (now := pressure(limit)) <= limit.above:
                raise RefusedError("Healthy", f"{limit.controller} pressure is {now:.0f} %, not above {limit.above}")
            if not (cgroup := await manager.detail(unit, "ControlGroup")):
                raise RefusedError("Healthy", f"{unit.id} is {unit.state}: there is nothing to limit")
            scene.lower = limit.value(f"{CGROUPS}{cgroup}")
        except (OSError, ValueError, KeyError) as error:
            raise RefusedError("NotSupported", f"the kernel does not say what {unit.id} holds") from error
        scene.values = {limit.name: await _value(scene, limit.name)}
        guard.check_loaded(await manager.unit(UNLIMIT.format(limit.name, scene.lower, unit.id)))   # there is a way back
        if limit.name in scene.ledger.held(unit.id) or scene.lower >= scene.values[limit.name]:
            raise RefusedError("Healthy", f"{unit.id} has a {limit.name} that is as low")

    async def does(scene: Scene) -> str:
        before = scene.ledger.held(scene.unit.id)
        held = Held(scene.values[limit.name], scene.lower, _theirs(scene.unit))
        scene.ledger.hold(scene.unit.id, before | {limit.name: held})       # first: it must be lifted whatever happens
        try:
            await scene.manager.set(scene.unit, limit.name, scene.lower)
        except RefusedError as refusal:
            if refusal.code != "Timeout":       # then it may be set
                scene.ledger.hold(scene.unit.id, before)
            raise
        scene.values = {limit.name: await _value(scene, limit.name)}
        return "done"

    return sees, does


async def is_ours(scene: Scene) -> None:
    """We set a limit, and did not lift it since."""
    scene.values = {name: await _value(scene, name) for name in NAMES}
    held = scene.ledger.held(scene.unit.id)
    if not held:
        raise RefusedError("Healthy", f"{scene.unit.id} has no limit of heald's")
    scene.values = {name: scene.values[name] for name in held}


async def widen(scene: Scene) -> str:
    """The former value again and our drop-in gone; where somebody changed either meanwhile, only our drop-in."""
    unit, manager, result = scene.unit, scene.manager, "done"
    left = dict(scene.ledger.held(unit.id))
    for name, held in scene.ledger.held(unit.id).items():
        says = held.ours
        # The former value: it was set, and then the way back broke off.
        if scene.values[name] in {held.ours, held.former} and _theirs(unit) == held.theirs:
            says = held.former
            await manager.set(unit, name, says)
        ended = await manager.job("StartUnit", await manager.unit(UNLIMIT.format(name, says, unit.id)))
        scene.values[name] = await _value(scene, name)
        if ended == "done":
            del left[name]
            scene.ledger.hold(unit.id, left)
        else:
            result = ended
    return result


async def _value(scene: Scene, name: str) -> int:
    value = await scene.manager.detail(scene.unit, name)
    if type(value) is not int:
        raise RefusedError("NotSupported", f"{scene.unit.id} has no {name}")
    return value


def _lines(path: str) -> list[str]:
    with open(path, encoding="ascii") as file:
        return file.read().splitlines()


def _theirs(unit: Unit) -> list[str]:
    """The unit's drop-ins but for those that a call like ours makes."""
    return [path for path in unit.names("DropInPaths") if not path.startswith(OURS)]
