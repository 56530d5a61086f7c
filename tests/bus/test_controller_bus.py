"""The controller's connection on a private bus: every call ends, only true signals count."""

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from bus.peer import FACE, NAME, PATH, ask, fails, pair, private_bus, run, settled
from heald.bus.connection import Bus
from heald.errors import Code


@pytest.fixture(autouse=True)
def daemon() -> Iterator["subprocess.Popen[bytes]"]:
    with private_bus() as process:
        yield process


def test_an_answer_is_plain_and_an_error_is_one_line_with_its_code() -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            peer.answer = lambda call: Message.new_method_return(call, "a{sv}(sv)", [
                {"a": Variant("av", [Variant("u", 7)])}, ["x", Variant("ay", b"\1")]])
            assert await ask(bus) == [{"a": [7]}, ["x", b"\1"]]
            peer.answer = lambda call: Message.new_error(call, "org.heald.Error.Busy", "two\n  lines")
            assert await fails(Code.BUSY, ask(bus)) == "two lines"
            peer.answer = lambda call: Message(message_type=MessageType.ERROR, destination=call.sender,
                                               reply_serial=call.serial, error_name="org.example.Odd")
            assert await fails(Code.FAILED, ask(bus)) == "org.example.Odd"
    run(story)


def test_who_does_not_answer_is_a_timeout_and_nobody_is_unreachable() -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            peer.answer = lambda _: None
            assert "Ask" in await fails(Code.TIMEOUT, ask(bus, timeout=0.2))
            await fails(Code.UNREACHABLE, bus.call("org.example.Nobody", PATH, FACE, "Ask"))
            assert await bus.owner("org.example.Nobody") == ""
            assert await bus.owner(NAME) == peer.bus.unique_name
    run(story)


def test_what_cannot_be_sent_is_refused_here_and_the_connection_lives() -> None:
    async def story() -> None:
        async with pair() as (bus, _):
            for body in (["a\0b"], ["\udc80"], [7], []):
                await fails(Code.INVALID_ARGS, ask(bus, signature="s", body=body))
            await fails(Code.INVALID_ARGS, bus.call("no name", PATH, FACE, "Ask"))
            assert await ask(bus) == []
    run(story)


def test_only_an_interactive_call_lets_the_other_side_ask_a_person() -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            await ask(bus)
            await ask(bus, interactive=True)
            flags = [message.flags for message in peer.heard if message.member == "Ask"]
            assert flags == [MessageFlag.NONE, MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION]
    run(story)


def test_a_lost_bus_ends_every_call_at_once(daemon: "subprocess.Popen[bytes]") -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            asked = asyncio.Event()
            peer.answer = lambda _: asked.set()
            waiting = asyncio.create_task(ask(bus, timeout=1000))
            await asked.wait()
            daemon.kill()
            await fails(Code.UNREACHABLE, waiting)
            assert bus.lost.is_set()
            await fails(Code.UNREACHABLE, ask(bus, timeout=1000))
            bus.emit(PATH, FACE, "Told", "s", ["nobody hears it"])
    run(story)


def test_no_bus_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
        assert str(tmp_path) in await fails(Code.UNREACHABLE, Bus.connect())
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "nonsense")
        await fails(Code.UNREACHABLE, Bus.connect())
    run(story)


def test_a_bus_that_goes_during_authentication_or_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
        monkeypatch.setattr("heald.bus.connection.CONNECT_SECONDS", 0.3)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{tmp_path}/bus")
            server.listen()
            assert "does not answer" in await fails(Code.UNREACHABLE, Bus.connect())
            server.accept()[0].close()
            going = asyncio.create_task(Bus.connect())
            await asyncio.sleep(0.05)
            accepted, _ = server.accept()
            accepted.recv(4096)                 # what was not read would make the end a reset, which is no trap
            accepted.close()
            await fails(Code.UNREACHABLE, going)
    run(story)


def test_a_signal_counts_from_the_owner_of_the_name_alone_also_over_a_change() -> None:
    async def story() -> None:
        async with pair() as (bus, peer), pair(named=False) as (_, other):
            heard: list[Any] = []
            owners: list[str] = []
            bus.on_owner(NAME, owners.append)
            await bus.watch(NAME, PATH, FACE, "Told", lambda body: heard.append(body[0]))
            other.signal("forged", destination=bus.unique_name)
            peer.signal("true")
            peer.signal(Variant("s", "plain"), signature="v")
            await settled(bus, other, peer)
            assert heard == ["true", "plain"]
            await other.own()
            name = other.bus.unique_name
            await peer.bus.request(Message(
                destination="org.freedesktop.DBus", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus",
                member="ReleaseName", signature="s", body=[NAME]))
            await other.own()
            other.signal("new owner")
            peer.signal("former owner", destination=bus.unique_name)
            await settled(bus, other, peer)
            assert heard == ["true", "plain", "new owner"]
            assert owners == ["", name]
    run(story)


def test_a_callback_that_raises_ends_nothing() -> None:
    async def story() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with pair() as (bus, peer):
            await bus.watch(NAME, PATH, FACE, "Told", lambda body: body[7])
            peer.signal("once")
            await settled(bus, peer)
            assert [type(context["exception"]) for context in told] == [IndexError]
            assert await ask(bus) == []
    run(story)
