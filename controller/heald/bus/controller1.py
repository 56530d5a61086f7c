"""org.heald.Controller1: what the daemon knows, for everyone to read; and the other end, for `healctl status`."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dbus_next.constants import MessageFlag
from dbus_next.message import Message
from dbus_next.signature import Variant

from ..errors import Code, HealdError
from .connection import Bus
from .polkit import authorize
from .served import Served

NAME = INTERFACE = "org.heald.Controller1"
PATH = "/org/heald/Controller1"
_CHANGING = ["Mode", "Health", "Limits", "Issues", "Incidents", "Paused"]
_PAUSE = "org.heald.controller.pause"       # the polkit action
MOMENT = 0.05               # seconds from the first news until all are told
_AT_ONCE = 8                # calls that wait for polkit, one of each caller
_SCALARS: tuple[tuple[type, str], ...] = ((bool, "b"), (int, "x"), (float, "d"), (str, "s"))    # a bool is an int, too
_XML = Path(__file__).with_name(f"{INTERFACE}.xml")

Read = Callable[[], dict[str, object]]
Asked = Callable[..., None]


class Published:
    """Serves what `read()` gives: the properties by name, Issues, Incidents and Paused as lists of plain dicts.

    `methods` are the interface's: each does what polkit let the caller do, or raises HealdError.
    """

    def __init__(self, bus: Bus, read: Read, methods: Mapping[str, Asked]) -> None:
        self._bus, self._read, self._methods = bus, read, methods
        self._waiting: set[str] = set()     # the callers about whom polkit is asked
        self._news: dict[int, None] = {}    # the incidents that changed and are not told of yet, in their order

    async def start(self) -> None:
        """Takes the name and serves. HealdError when another heald has it or the bus policy does not let us."""
        served = Served(_XML.read_text("utf-8"), self._values, self._called)
        self._bus.serve(served.answer)
        await self._bus.request_name(NAME)

    def changed(self, incident: int) -> None:
        """Tells, in a moment, that an incident was opened, acted on or ended, and that what others remember is stale.

        Not at once: who heals first and tells later heals sooner, and of a storm is told together.
        """
        if not self._news:
            asyncio.get_running_loop().call_later(MOMENT, self._tell)
        self._news[incident] = None

    def _tell(self) -> None:
        for incident in self._news:
            self._bus.emit(PATH, INTERFACE, "Changed", "s", [str(incident)])
        self._news.clear()
        self._stale()

    def _called(self, call: Message) -> Message | None:
        if call.sender in self._waiting or len(self._waiting) >= _AT_ONCE:
            return _refusal(call, HealdError(Code.LIMITS_EXCEEDED, "a call is waiting already; try again later"))
        self._waiting.add(call.sender)
        self._bus.spawn(self._do(call), call.member)
        return None

    async def _do(self, call: Message) -> None:
        try:
            interactive = bool(call.flags & MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION)
            if self._bus.kind != "session":         # there it is the person's own, and polkit is not
                await authorize(self._bus, call.sender, _PAUSE, {"subject": call.body[0]}, interactive=interactive)
            if await self._bus.owner(call.sender):      # who has gone does not want it any more
                self._methods[call.member](*call.body)
                self._stale()
            self._bus.reply(Message.new_method_return(call))
        except HealdError as error:
            self._bus.reply(_refusal(call, error))
        finally:
            self._waiting.discard(call.sender)

    def _stale(self) -> None:
        self._bus.emit(PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                       [INTERFACE, {}, _CHANGING])

    def _values(self) -> dict[str, object]:
        return {name: [_row(row) for row in value] if isinstance(value, list) else value
                for name, value in self._read().items()}


async def running(bus: Bus) -> None:
    """HealdError(UNREACHABLE) when no heald is on this bus."""
    if not await bus.owner(NAME):
        raise HealdError(Code.UNREACHABLE, f"heald is not running: nobody owns {NAME} on the {bus.kind} bus; "
                                           "start it with `systemctl start heald`")


async def read_published(bus: Bus) -> dict[str, Any]:
    """All properties of the running heald, plain. HealdError(UNREACHABLE) when none runs."""
    await running(bus)
    return await bus.properties(NAME, PATH, INTERFACE)


async def ask(bus: Bus, method: str, signature: str, *arguments: object) -> None:
    """Has the running heald do something; polkit may ask the person who called. Raises HealdError."""
    await running(bus)
    await bus.call(NAME, PATH, INTERFACE, method, signature, arguments, timeout=130, interactive=True)


def _refusal(call: Message, error: HealdError) -> Message:
    domain = "org.heald.Error." if error.code is Code.FAILED else "org.freedesktop.DBus.Error."
    return Message.new_error(call, domain + error.code.value, str(error))


def _row(row: dict[str, object]) -> dict[str, Variant]:
    return {key: _variant(value) for key, value in row.items() if value is not None}


def _variant(value: object) -> Variant:
    """A JSON-like value as a variant; D-Bus has no null, so a key without a value is left out."""
    if isinstance(value, dict):
        return Variant("a{sv}", _row(value))
    if isinstance(value, list | tuple):
        if all(isinstance(item, dict) for item in value):
            return Variant("aa{sv}", [_row(item) for item in value])
        return Variant("av", [_variant(item) for item in value])
    for kind, signature in _SCALARS:
        if isinstance(value, kind):
            return Variant(signature, value)
    raise TypeError(f"{type(value).__name__} has no D-Bus type")
