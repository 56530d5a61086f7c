"""A private bus, our connection to it, and a peer who may send anything: what the tests of the connection share."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message

from heald.bus.bounded import BoundedBus
from heald.bus.connection import Bus
from heald.errors import Code, HealdError

NAME, PATH, FACE = "org.example.Peer", "/org/example/Peer", "org.example.Peer"
CONFIG = """<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>"""


@contextmanager
def private_bus() -> Iterator["subprocess.Popen[bytes]"]:
    """A dbus-daemon of its own, which is the system bus of whoever looks for one meanwhile."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        address = Path(folder) / "bus"
        (Path(folder) / "bus.conf").write_text(CONFIG.format(path=address))
        with subprocess.Popen(["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--print-address"],
                              stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline()        # it listens
            patch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={address}")
            try:
                yield process
            finally:
                process.kill()


class Peer:
    """Somebody else on the bus, who may send anything."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.answer: Callable[[Message], Message | None] = Message.new_method_return
        self.bus = BoundedBus(os.environ["DBUS_SYSTEM_BUS_ADDRESS"], self._received, lambda: None)

    def _received(self, message: Message) -> None:
        self.heard.append(message)
        if message.message_type is MessageType.METHOD_CALL and (reply := self.answer(message)) is not None:
            self.bus.post(reply)

    async def own(self, name: str = NAME) -> None:
        await self.bus.request(Message(
            destination="org.freedesktop.DBus", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus",
            member="RequestName", signature="su", body=[name, 4]))

    def signal(self, *body: object, signature: str = "s", destination: str = "") -> None:
        message = Message.new_signal(PATH, FACE, "Told", signature, list(body))
        if destination:
            message.destination = destination
        self.bus.post(message)

    async def call(self, to: Bus, *body: object, signature: str = "", flags: MessageFlag = MessageFlag.NONE) -> Message:
        return await self.bus.request(Message(destination=to.unique_name, path=PATH, interface=FACE, member="Do",
                                              signature=signature, body=list(body), flags=flags))


@asynccontextmanager
async def pair(*, named: bool = True) -> AsyncIterator[tuple[Bus, Peer]]:
    """Our connection, and a peer's."""
    bus, peer = await Bus.connect(), Peer()
    try:
        await peer.bus.connect()
        if named:
            await peer.own()
        yield bus, peer
    finally:
        bus.close()
        peer.bus.close()


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await story()
    asyncio.run(bounded())


async def ask(bus: Bus, **more: Any) -> list[Any]:
    return await bus.call(NAME, PATH, FACE, "Ask", **more)


async def fails(code: Code, call: Awaitable[object]) -> str:
    with pytest.raises(HealdError) as caught:
        await call
    assert caught.value.code is code
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def settled(bus: Bus, *peers: Peer) -> None:
    """Waits until what the peers have sent has reached us: calls of theirs that come after it have."""
    for peer in peers:
        await peer.call(bus)
    await asyncio.sleep(0)
