"""One connection to a bus: calls that end, signals that are true, plain Python values in and out."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from dbus_next.constants import MessageFlag, MessageType
from dbus_next.errors import AuthError
from dbus_next.message import Message

from ..errors import Code, HealdError, from_dbus
from .bounded import BoundedBus

CONNECT_SECONDS = 10.0
_BUS, _BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_DO_NOT_QUEUE, _PRIMARY_OWNER, _ALREADY_OWNER = 4, 1, 4     # RequestName's flag and answers, D-Bus specification
_INTERACTIVE = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION

SignalCallback = Callable[[list[Any]], None]
OwnerCallback = Callable[[str], None]
Server = Callable[[Message], Message | None]


class Bus:
    """A connection that is bounded, followed and typed. Make one with `await Bus.connect()`.

    `lost` is set once, when the connection ends; every call that waits then raises HealdError(UNREACHABLE).
    """

    def __init__(self, kind: str, address: str) -> None:
        self.kind = kind
        self.lost = asyncio.Event()
        self._owners: dict[str, str] = {}       # well-known name -> unique name, "" = nobody
        self._on_owner: defaultdict[str, list[OwnerCallback]] = defaultdict(list)
        self._watches: defaultdict[tuple[str, str, str], list[tuple[str, SignalCallback]]] = defaultdict(list)
        self._followed: set[str] = set()
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._bus = BoundedBus(address, self._received, self.lost.set)

    @classmethod
    async def connect(cls, kind: str = "system") -> Self:
        """A connection to the "system" or the "session" bus. HealdError(UNREACHABLE) within CONNECT_SECONDS."""
        address = _address(kind)
        bus: Self | None = None
        try:
            bus = cls(kind, address)
            async with asyncio.timeout(CONNECT_SECONDS):
                await bus._bus.connect()
        except (OSError, AuthError, ValueError, TimeoutError, EOFError) as why:
            if bus is not None:
                bus.close()
            reason = "it does not answer" if isinstance(why, TimeoutError) else str(why) or type(why).__name__
            raise HealdError(Code.UNREACHABLE, f"no connection to the {kind} bus at {address}: {reason}; "
                                               "is D-Bus running?") from None
        return bus

    @property
    def unique_name(self) -> str:
        """This connection's own name on the bus, for instance ":1.7"."""
        return str(self._bus.unique_name)

    async def call(self, destination: str, path: str, interface: str, member: str,  # noqa: PLR0917  a call's own order
                   signature: str = "", body: Sequence[object] = (), *,
                   timeout: float = 10.0, interactive: bool = False,  # noqa: ASYNC109  raises HealdError
                   keys: frozenset[bytes] | None = None) -> list[Any]:
        """Calls a method; the reply's body, variants unwrapped, of an a{sv} only `keys`. `timeout` in seconds.

        `interactive` lets the other side ask a person for a password. Raises HealdError: what errors.from_dbus makes
        of an error reply, TIMEOUT without a reply, UNREACHABLE without a bus, INVALID_ARGS for what cannot be sent.
        """
        asked = f"{destination} {member}"
        try:
            async with asyncio.timeout(timeout):
                reply = await self._bus.request(Message(
                    destination=destination, path=path, interface=interface, member=member, signature=signature,
                    body=[_sendable(value) for value in body], flags=_INTERACTIVE if interactive else MessageFlag.NONE),
                    keys)
        except TimeoutError:
            raise HealdError(Code.TIMEOUT, f"{asked}: no answer in {timeout:g} s") from None
        except ConnectionError as why:
            raise HealdError(Code.UNREACHABLE, f"{asked}: {why}") from None
        except (ValueError, TypeError) as why:
            raise HealdError(Code.INVALID_ARGS, f"{asked}: cannot be sent: {why}") from None
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            raise from_dbus(reply.error_name, " ".join(text.split()) or reply.error_name)
        return list(reply.body)

    async def properties(self, destination: str, path: str, interface: str = "",
                         keys: frozenset[bytes] | None = None) -> dict[str, Any]:
        """All properties of an interface, or with "" of all of an object's; or only `keys`. Raises as `call`."""
        [found] = await self.call(destination, path, _PROPERTIES, "GetAll", "s", [interface], keys=keys)
        return dict(found)

    async def property(self, destination: str, path: str, interface: str, name: str) -> Any:
        """One property. Raises as `call`."""
        [value] = await self.call(destination, path, _PROPERTIES, "Get", "ss", [interface, name])
        return value

    async def owner(self, name: str) -> str:
        """Who owns a well-known name now, "" when nobody does: starts no service. Raises as `call`."""
        if (known := self._owners.get(name)) is not None:       # it is followed
            return known
        try:
            [unique] = await self.call(_BUS, _BUS_PATH, _BUS, "GetNameOwner", "s", [name])
        except HealdError as why:
            if why.code is not Code.UNREACHABLE or self.lost.is_set():
                raise
            return ""
        return str(unique)

    async def watch(self, sender: str, path: str, interface: str, member: str,
                    callback: SignalCallback) -> Callable[[], Awaitable[None]]:
        """Calls `callback` with the body of each such signal that comes from the owner of `sender` at that moment.

        Anyone may send a signal of any name to us alone: the bus vouches for its sender's unique name only. What is
        returned ends the watch.
        """
        rule = f"type='signal',sender='{sender}',path='{path}',interface='{interface}',member='{member}'"
        watches, entry = self._watches[path, interface, member], (sender, callback)

        async def end() -> None:
            watches.remove(entry)
            await self.call(_BUS, _BUS_PATH, _BUS, "RemoveMatch", "s", [rule])

        watches.append(entry)
        self._follow(sender)
        await self.call(_BUS, _BUS_PATH, _BUS, "AddMatch", "s", [rule])
        owner = await self.owner(sender)
        self._owners.setdefault(sender, owner)      # what NameOwnerChanged said meanwhile is newer
        return end

    def on_owner(self, name: str, callback: OwnerCallback) -> None:
        """Calls `callback` with the new owner of a well-known name whenever it changes, "" when nobody owns it."""
        self._on_owner[name].append(callback)
        self._follow(name)

    def rouse(self, name: str) -> None:
        """Has the bus start the service of a well-known name that is followed, if nobody owns it; waits for nothing."""
        if not self._owners.get(name):
            self._bus.post(Message(destination=_BUS, path=_BUS_PATH, interface=_BUS, member="StartServiceByName",
                                   signature="su", body=[name, 0], flags=MessageFlag.NO_REPLY_EXPECTED))

    def spawn(self, coroutine: Any, name: str) -> None:
        """Runs what a signal's callback cannot wait for; it ends with the connection."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def request_name(self, name: str) -> None:
        """Owns a well-known name. HealdError(BUSY) when another does, ACCESS_DENIED when the bus policy says no."""
        [answer] = await self.call(_BUS, _BUS_PATH, _BUS, "RequestName", "su", [name, _DO_NOT_QUEUE])
        if answer not in {_PRIMARY_OWNER, _ALREADY_OWNER}:
            raise HealdError(Code.BUSY, f"another process owns {name} on the {self.kind} bus: "
                                        "stop that heald first, one is enough")

    def serve(self, answer: Server) -> None:
        """Lets `answer` make the reply to every call that comes in and wants one; None where it replies later."""
        self._server = answer

    def reply(self, message: Message) -> None:
        """Sends a reply that was not made at once."""
        self._bus.post(message)

    def emit(self, path: str, interface: str, member: str, signature: str, body: Sequence[object]) -> None:
        """Sends a signal to whom it may concern; nothing happens when the bus is lost."""
        self._bus.post(Message(message_type=MessageType.SIGNAL, path=path, interface=interface, member=member,
                               signature=signature, body=list(body)))

    def close(self) -> None:
        """Ends the connection; `lost` is set."""
        for task in self._tasks:
            task.cancel()
        self._bus.close()

    def _follow(self, name: str) -> None:
        if name in self._followed:
            return
        self._followed.add(name)
        rule = f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg0='{name}'"
        self._bus.post(Message(destination=_BUS, path=_BUS_PATH, interface=_BUS, member="AddMatch", signature="s",
                               body=[rule], flags=MessageFlag.NO_REPLY_EXPECTED))

    def _received(self, message: Message) -> None:
        if message.message_type is MessageType.METHOD_CALL:
            nothing = Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", "nothing here")
            reply = self._server(message) if self._server is not None else nothing
            if reply is not None:
                self._bus.post(reply)
        elif message.sender == _BUS and message.member == "NameOwnerChanged":
            self._owner_changed(*message.body)
        else:
            self._signalled(message)

    def _owner_changed(self, name: str, _old: str, new: str) -> None:
        self._owners[name] = new
        for callback in self._on_owner.get(name, ()):
            asyncio.get_running_loop().call_soon(callback, new)

    def _signalled(self, message: Message) -> None:
        key = (message.path, message.interface, message.member)
        for sender, callback in self._watches.get(key, ()):
            if message.sender == self._owners.get(sender, ""):
                # Not called here: what a callback raises is told to the loop and ends no connection.
                asyncio.get_running_loop().call_soon(callback, list(message.body))


def _sendable(value: object) -> object:
    """Refuses a NUL in a string: the bus would end the connection for it."""
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a text has a NUL character")
    return value


def _address(kind: str) -> str:
    if kind == "system":
        return os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or "unix:path=/run/dbus/system_bus_socket"
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return os.environ.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path={runtime}/bus"
