"""No message stalls the controller's connection, and no full socket ends it."""

import asyncio
import itertools
import subprocess
from collections.abc import Iterator

import pytest
from dbus_next.constants import MessageFlag
from dbus_next.message import Message

from bus.peer import FACE, NAME, PATH, ask, fails, pair, private_bus, run
from heald.bus.bounded import BATCH
from heald.bus.reader import MAX_BODY, MAX_REPLY
from heald.errors import Code


@pytest.fixture(autouse=True)
def daemon() -> Iterator["subprocess.Popen[bytes]"]:
    with private_bus() as process:
        yield process


@pytest.mark.parametrize("size", [MAX_BODY + 1, 30 << 20])
def test_a_call_that_is_too_long_is_answered_undecoded_and_the_next_one_is_served(size: int) -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            bus.serve(lambda call: Message.new_method_return(call, "u", [len(call.body)]))
            reply = await peer.call(bus, "x" * size, signature="s")
            assert reply.error_name == "org.freedesktop.DBus.Error.LimitsExceeded"
            peer.signal("x" * size, destination=bus.unique_name)
            assert (await peer.call(bus, "x" * 1000, signature="s")).body == [1]
    run(story)


def test_an_answer_that_is_too_long_is_an_error_and_one_of_a_megabyte_is_read() -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            peer.answer = lambda call: Message.new_method_return(call, "s", ["x" * (MAX_REPLY + 1)])
            await fails(Code.LIMITS_EXCEEDED, ask(bus))
            peer.answer = lambda call: Message.new_method_return(call, "s", ["x" * (1 << 20)])
            assert len((await ask(bus))[0]) == 1 << 20
    run(story)


def test_a_call_that_wants_no_reply_is_dropped() -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            served: list[Message] = []

            def serve(call: Message) -> Message:
                served.append(call)
                return Message.new_method_return(call)

            bus.serve(serve)
            peer.bus.post(Message(destination=bus.unique_name, path=PATH, interface=FACE, member="Silent",
                                  flags=MessageFlag.NO_REPLY_EXPECTED))
            await peer.call(bus)
            assert [call.member for call in served] == ["Do"]
    run(story)


def test_a_full_socket_ends_nothing() -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            peer.answer = lambda call: Message.new_method_return(call, "s", call.body)
            for _ in range(20):             # dbus-daemon lets 128 calls of a connection wait
                bodies = [str(at) * 500 for at in range(100)]
                answers = await asyncio.gather(*(ask(bus, signature="s", body=[body]) for body in bodies))
                assert answers == [[body] for body in bodies]
            for _ in range(3000):
                bus.emit(PATH, FACE, "Told", "s", ["x" * 300])
            assert await ask(bus, signature="s", body=["alive"]) == ["alive"]
    run(story)


def test_a_flood_leaves_others_their_turn() -> None:
    async def story() -> None:
        async with pair() as (bus, peer):
            turns: list[int] = []
            heard: list[str] = []
            await bus.watch(NAME, PATH, FACE, "Told", lambda body: heard.append(body[0]))

            async def other() -> None:
                while len(heard) < BATCH * 20:
                    turns.append(len(heard))
                    await asyncio.sleep(0)

            for _ in range(BATCH * 20):
                peer.signal("flood")
            await other()
            assert max(later - before for before, later in itertools.pairwise(turns)) <= BATCH
    run(story)
