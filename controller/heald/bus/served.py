"""Answers the calls that any D-Bus object must answer (Introspectable, Properties, Peer), and hands on its own."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from dbus_next.message import Message
from dbus_next.signature import Variant

_ERROR = "org.freedesktop.DBus.Error."
_STANDARD = "org.freedesktop.DBus."


class Served:
    """One object with the read-only properties and the methods of one interface, described by its XML file.

    `read` gives all its properties, each a value that its type in the XML can carry; `called` gets the calls of its
    methods whose arguments have the types in the XML, and replies when it can.
    """

    def __init__(
        self, xml: str, read: Callable[[], dict[str, object]], called: Callable[[Message], Message | None],
    ) -> None:
        node = ET.fromstring(xml)       # noqa: S314  our own file, installed beside this one
        interface = node.find("interface")
        if interface is None:
            raise ValueError("the XML has no interface")
        self._xml, self._read, self._called = xml, read, called
        self.path, self.interface = node.attrib["name"], interface.attrib["name"]
        self._types = {entry.attrib["name"]: entry.attrib["type"] for entry in interface.iter("property")}
        self._methods = {method.attrib["name"]: "".join(arg.attrib["type"] for arg in method.iter("arg"))
                         for method in interface.iter("method")}

    def answer(self, call: Message) -> Message | None:
        """The reply, or the error, to a method call; None where it follows."""
        if call.interface in {None, _STANDARD + "Introspectable"} and call.member == "Introspect":
            return self._introspect(call)
        if call.interface == _STANDARD + "Peer":
            return _peer(call)
        if call.path != self.path:
            return _error(call, "UnknownObject", f"nothing at {call.path}; try {self.path}")
        if call.interface == _STANDARD + "Properties":
            return self._properties(call)
        if call.interface in {None, self.interface} and call.member in self._methods:
            wanted = self._methods[call.member]
            if call.signature == wanted:
                return self._called(call)
            return _error(call, "InvalidArgs", f"{call.member} takes '{wanted}', not '{call.signature}'")
        return _unknown_method(call)

    def _introspect(self, call: Message) -> Message:
        if call.path == self.path:
            return Message.new_method_return(call, "s", [self._xml])
        above = call.path.rstrip("/") + "/"
        if not self.path.startswith(above):
            return _error(call, "UnknownObject", f"nothing at {call.path}; try {self.path}")
        child = self.path.removeprefix(above).partition("/")[0]
        return Message.new_method_return(call, "s", [f'<node><node name="{child}"/></node>'])

    def _properties(self, call: Message) -> Message:
        match call.member, call.signature, call.body:
            case "GetAll", "s", [interface] if interface in {"", self.interface}:
                values = self._read()
                every = {name: Variant(kind, values[name]) for name, kind in self._types.items()}
                return Message.new_method_return(call, "a{sv}", [every])
            case "Get", "ss", [interface, name] if interface in {"", self.interface}:
                if name not in self._types:
                    return _error(call, "UnknownProperty", f"{self.interface} has no property {_short(name)}")
                return Message.new_method_return(call, "v", [Variant(self._types[name], self._read()[name])])
            case "Set", "ssv", _:
                return _error(call, "PropertyReadOnly", f"{self.interface} can only be read")
            case ("GetAll", "s", [interface]) | ("Get", "ss", [interface, _]):
                return _error(call, "UnknownInterface", f"no interface {_short(interface)} here")
        return _unknown_method(call)


def _peer(call: Message) -> Message:
    if call.member == "Ping":
        return Message.new_method_return(call)
    if call.member == "GetMachineId":
        try:
            return Message.new_method_return(call, "s", [Path("/etc/machine-id").read_text("ascii").strip()])
        except (OSError, ValueError):
            return _error(call, "FileNotFound", "this machine has no machine id")
    return _unknown_method(call)


def _unknown_method(call: Message) -> Message:
    return _error(call, "UnknownMethod",
                  f"no method {_short(call.interface or '')}.{_short(call.member)} with signature '{call.signature}'")


def _error(call: Message, name: str, text: str) -> Message:
    return Message.new_error(call, _ERROR + name, text)


def _short(name: str) -> str:
    return name if len(name) <= 100 else name[:99] + "…"
