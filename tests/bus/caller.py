"""Somebody on a bus: a connection under any uid, whose calls block the test or are waited for later."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from heald.bus.bounded import BoundedBus

HELPER, HELPER_PATH = "org.heald.Helper1", "/org/heald/Helper1"
BUS = "org.freedesktop.DBus"
Peer = tuple[str, str, str]
"""Whom to call: bus name, object path, interface."""
SECONDS = 60                    # after which a test that waits has failed


@dataclass(frozen=True)
class Reply:
    """What came back: the body with its variants unpacked, or the last part of the error's name and its text."""

    body: list[Any] = field(default_factory=list)
    error: str = ""
    text: str = ""

    @property
    def report(self) -> dict[str, str]:
        """The report of a method of the helper; the test fails where it answered with an error."""
        assert not self.error, f"{self.error}: {self.text}"
        return dict(self.body[0])


class Caller:
    """One connection. Several share an event loop, which runs while one of them waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str, uid: int = 0) -> None:
        self._loop = loop
        self.heard: list[Message] = []
        asyncio.set_event_loop(loop)
        with _as_user(uid):
            self._bus = BoundedBus(address, self._received, lambda: None)
            loop.run_until_complete(self._bus.connect())

    @property
    def name(self) -> str:
        return str(self._bus.unique_name)

    def ask(self, peer: Peer, member: str, signature: str = "", body: Sequence[Any] = (),
            flags: MessageFlag = MessageFlag.NONE) -> "asyncio.Future[Message]":
        """Sends a call; give the future to `wait`, or to nobody."""
        destination, path, face = peer
        return self._bus.request(Message(destination=destination, path=path, interface=face, member=member,
                                         signature=signature, body=list(body), flags=flags))

    def wait(self, asked: "asyncio.Future[Message]") -> Reply:
        message = self._loop.run_until_complete(asyncio.wait_for(asked, SECONDS))
        if message.message_type is MessageType.ERROR:
            return Reply(error=str(message.error_name).rpartition(".")[2],
                         text=str(message.body[0]) if message.body else "")
        return Reply([_plain(value) for value in message.body])

    def call(self, peer: Peer, member: str, signature: str = "", body: Sequence[Any] = ()) -> Reply:
        return self.wait(self.ask(peer, member, signature, body))

    def begin(self, method: str, operation: str, target: str = "", options: dict[str, Variant] | None = None,
              *, interactive: bool = False) -> "asyncio.Future[Message]":
        """Asks the helper to heal."""
        flags = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION if interactive else MessageFlag.NONE
        return self.ask((HELPER, HELPER_PATH, HELPER), method, "ssa{sv}", [operation, target, options or {}], flags)

    def heal(self, method: str, operation: str, target: str = "", options: dict[str, Variant] | None = None,
             *, interactive: bool = False) -> Reply:
        return self.wait(self.begin(method, operation, target, options, interactive=interactive))

    def start(self, unit: str, options: dict[str, Variant] | None = None, *, interactive: bool = False) -> Reply:
        return self.heal("HealService", "start", unit, options, interactive=interactive)

    def bus(self, member: str, signature: str = "", *body: Any) -> Reply:
        """A call of the bus itself."""
        return self.call((BUS, "/org/freedesktop/DBus", BUS), member, signature, body)

    def post(self, message: Message) -> None:
        """Sends what nobody answers."""
        self._bus.post(message)

    def refused(self, message: Message) -> Reply:
        """Sends what nobody answers but the bus, which says that it did not pass it on."""
        return self.wait(self._bus.request(message))

    def pause(self, seconds: float) -> None:
        """Lets every connection of the loop read and write meanwhile."""
        self._loop.run_until_complete(asyncio.sleep(seconds))

    def close(self) -> None:
        self._bus.close()

    def _received(self, message: Message) -> None:
        self.heard.append(message)


@contextmanager
def _as_user(uid: int) -> Iterator[None]:
    """The socket's peer is who connected it: the test is root again afterwards."""
    os.setresuid(uid, uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def _plain(value: Any) -> Any:
    if isinstance(value, Variant):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
