"""systemd's manager: one unit read, one unit told to do something, and the end of the job waited for."""

from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from .contract import RefusedError
from .loop import Future, wait
from .wire import Bus, CallError, Peer, Variant

NAME, PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
MANAGER = (NAME, PATH, "org.freedesktop.systemd1.Manager")
PROPERTIES = "org.freedesktop.DBus.Properties"
MODE = "fail"           # `replace` would cancel a person's stop
UNSET = 2 ** 64 - 1     # a limit that nobody set, "infinity"
LOST = 3600.0           # seconds after which the end of a job is no longer waited for

_CONTRADICTS = frozenset({"TransactionIsDestructive", "TransactionJobsConflicting"})
_ABSENT = frozenset({"UnknownProperty", "UnknownInterface"})
_SILENT = frozenset({"NoReply", "Disconnected", "LimitsExceeded", "ServiceUnknown", "NameHasNoOwner", "TimedOut"})
"""The bus's own answers in a peer's place: nothing is known of what the peer thinks, or did."""

T = TypeVar("T")


class Unit(NamedTuple):
    """A unit as systemd described it in one fresh read. A property of another type than expected is a refusal."""

    name: str                   # as it was asked for
    path: str
    properties: dict[str, Any]

    @property
    def id(self) -> str:
        return self.text("Id")

    @property
    def state(self) -> str:
        return self.text("ActiveState")

    def text(self, key: str) -> str:
        return self._of(str, key)

    def flag(self, key: str) -> bool:
        return self._of(bool, key)

    def number(self, key: str) -> int:
        return self._of(int, key)

    def names(self, *keys: str) -> list[str]:
        """The unit names in these properties, each once."""
        found: list[str] = []
        for key in keys:
            found += self._of(list, key)
        return list(dict.fromkeys(found))

    def _of(self, kind: type[T], key: str) -> T:
        value = self.properties.get(key)
        if type(value) is not kind:
            raise RefusedError("Failed", f"systemd says nothing of {key} of {self.name}")
        return value


class Manager:
    """Calls of the manager, once it was attached."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._asking = 0
        self._ended: dict[str, Future[str]] = {}    # job -> its result, while somebody waits for it
        self._early: dict[str, str] = {}            # the same of all, while ours was not named yet

    def attach(self) -> list[Coroutine[Any, Any, Any]]:
        """Calls to begin in this order: hear of the jobs that end."""
        return [self._bus.match(f"sender='{NAME}',path='{PATH}',interface='{MANAGER[2]}',member='JobRemoved'"),
                *self._bus.follow(NAME, self._signalled), self._subscribe()]

    async def _subscribe(self) -> None:
        with suppress(CallError):       # subscribed already: it outlives a reexec
            await self._bus.call(MANAGER, "Subscribe", expect="")

    async def unit(self, name: str) -> Unit:
        """`name` as it is now, loaded for this if need be. RefusedError InvalidArgs where systemd knows none."""
        [path] = await self._call("LoadUnit", "s", [name], "o")
        return await self._read(name, str(path))

    async def again(self, unit: Unit) -> Unit:
        """The same unit, read afresh."""
        return await self._read(unit.name, unit.path)

    async def detail(self, unit: Unit, key: str) -> Any:
        """A property of the unit's own type (Service, Socket, …); None where it has none of that name."""
        interface = f"{NAME}.{unit.id.rpartition('.')[2].capitalize()}"
        try:
            [value] = await self._call("Get", "ss", [interface, key], "v", (NAME, unit.path, PROPERTIES))
        except RefusedError as refusal:
            if isinstance(refusal.__cause__, CallError) and _last(refusal.__cause__) in _ABSENT:
                return None
            raise
        return value

    async def states(self, names: list[str]) -> dict[str, str]:
        """ActiveState of each of these units, by its Id."""
        [rows] = await self._call("ListUnitsByNames", "as", [names], "a(ssssssouso)")
        return {str(row[0]): str(row[3]) for row in rows}

    async def failed(self) -> list[str]:
        """The units that are failed, by their Id."""
        [rows] = await self._call("ListUnitsFiltered", "as", [["failed"]], "a(ssssssouso)")
        return [str(row[0]) for row in rows]

    async def reset_failed(self, unit: Unit) -> None:
        """Forget the failure and the start limit: both would refuse a start."""
        await self._call("ResetFailedUnit", "s", [unit.id], "")

    async def set(self, unit: Unit, name: str, value: int) -> None:
        """Give the unit a property, until the next boot at most: systemd writes it into a drop-in of its own."""
        await self._call("SetUnitProperties", "sba(sv)", [unit.id, True, [[name, Variant("t", value)]]], "")

    async def job(self, member: str, unit: Unit) -> str:
        """Ask for a job (StartUnit, TryRestartUnit, ReloadUnit) and wait for its end: systemd's result of it."""
        self._asking += 1
        try:
            [path] = await self._call(member, "ss", [unit.id, MODE], "o")
            if path in self._early:
                return self._early[path]
            ended = self._ended.setdefault(path, Future())
        finally:
            self._asking -= 1
            if not self._asking:
                self._early.clear()
        if not await wait(ended, seconds=LOST):
            self._ended.pop(path, None)
            return "timeout"
        return ended.result()

    def _signalled(self, member: str, body: list[Any]) -> None:
        """JobRemoved(u id, o job, s unit, s result) may come before the answer that names the job."""
        if member != "JobRemoved" or len(body) != 4:
            return
        _, job, _, result = body
        if job in self._ended:
            self._ended.pop(job).end(str(result))
        elif self._asking:
            self._early[job] = str(result)

    async def _read(self, name: str, path: str) -> Unit:
        [properties] = await self._call("GetAll", "s", [f"{NAME}.Unit"], "a{sv}", (NAME, path, PROPERTIES))
        return Unit(name, path, properties)

    async def _call(self, member: str, signature: str, body: list[Any], expect: str, peer: Peer = MANAGER) -> list[Any]:
        try:
            return await self._bus.call(peer, member, signature, body, expect=expect)
        except CallError as error:
            raise _refusal(member, error) from error
        except TimeoutError as error:
            raise silent("systemd") from error


def silent(who: str) -> RefusedError:
    """What is answered when `who` does not answer us."""
    return RefusedError("Timeout", f"{who} did not answer: see systemctl status")


def is_silence(error: CallError) -> bool:
    """Whether the bus answered in the place of a peer that said nothing."""
    return _last(error) in _SILENT


def _last(error: CallError) -> str:
    return error.name.rpartition(".")[2]


def _refusal(member: str, error: CallError) -> RefusedError:
    last = _last(error)
    if is_silence(error):
        return silent("systemd")
    if last == "NoSuchUnit" and member == "LoadUnit":
        return RefusedError("InvalidArgs", "there is no such unit")
    if last in _CONTRADICTS:
        return RefusedError("Busy", "systemd has a job that contradicts this; try again when it is done")
    return RefusedError("Failed", f"systemd refused {member}: {last}")
