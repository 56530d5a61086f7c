"""org.heald.Controller1: what the daemon knows, for everyone to read; and the other end, for `healctl status`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dbus_next.signature import Variant

from ..errors import Code, HealdError
from .connection import Bus
from .served import Served

NAME = INTERFACE = "org.heald.Controller1"
PATH = "/org/heald/Controller1"
_CHANGING = ["Mode", "Health", "Limits", "Issues", "Incidents"]
_SCALARS: tuple[tuple[type, str], ...] = ((bool, "b"), (int, "x"), (float, "d"), (str, "s"))    # a bool is an int, too
_XML = Path(__file__).with_name(f"{INTERFACE}.xml")

Read = Callable[[], dict[str, object]]


class Published:
    """Serves what `read()` gives: Version, Mode, Health, Limits, and Issues and Incidents as lists of plain dicts."""

    def __init__(self, bus: Bus, read: Read) -> None:
        self._bus, self._read = bus, read

    async def start(self) -> None:
        """Takes the name and serves. HealdError when another heald has it or the bus policy does not let us."""
        served = Served(_XML.read_text("utf-8"), self._values)
        self._bus.serve(served.answer)
        await self._bus.request_name(NAME)

    def changed(self, incident: int) -> None:
        """Tells that an incident was opened, acted on or ended, and that what others remember is stale."""
        self._bus.emit(PATH, INTERFACE, "Changed", "s", [str(incident)])
        self._bus.emit(PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                       [INTERFACE, {}, _CHANGING])

    def _values(self) -> dict[str, object]:
        return {name: [_row(row) for row in value] if isinstance(value, list) else value
                for name, value in self._read().items()}


async def read_published(bus: Bus) -> dict[str, Any]:
    """All properties of the running heald, plain. HealdError(UNREACHABLE) when none runs."""
    if not await bus.owner(NAME):
        raise HealdError(Code.UNREACHABLE, f"heald is not running: nobody owns {NAME} on the {bus.kind} bus; "
                                           "start it with `systemctl start heald`")
    return await bus.properties(NAME, PATH, INTERFACE)


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
