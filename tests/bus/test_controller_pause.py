"""Pause and Resume: what polkit is asked, what its answers and wrong arguments lead to, and what waits meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from dbus_next.message import Message

from bus.peer import Peer, fails, private_bus, run
from heald.bus.connection import Bus
from heald.bus.controller1 import Published, ask
from heald.errors import Code, HealdError

POLKIT = "org.freedesktop.PolicyKit1"
YES, NO, CHALLENGE = [True, False, {}], [False, False, {}], [False, True, {}]


@pytest.fixture(autouse=True)
def daemon() -> Iterator[None]:
    with private_bus():
        yield


class Scene:
    """A daemon that notes what it is asked, a polkit that answers `says` (None: not at all), and a caller."""

    def __init__(self, bus: Bus, polkit: Peer, caller: Bus) -> None:
        self.bus, self.polkit, self.caller = bus, polkit, caller
        self.done: list[tuple[Any, ...]] = []
        self.says: list[Any] | None = YES
        self.came: asyncio.Queue[Message] = asyncio.Queue()     # what polkit was asked
        polkit.answer = self._answer

    def _answer(self, call: Message) -> Message | None:
        if call.member == "CancelCheckAuthorization":
            return Message.new_method_return(call)
        self.came.put_nowait(call)
        return Message.new_method_return(call, "(bba{ss})", [self.says]) if self.says is not None else None

    def pause(self, subject: str, seconds: int) -> None:
        if subject == "bad":
            raise HealdError(Code.INVALID_ARGS, "no such subject")
        self.done.append((subject, seconds))

    def resume(self, subject: str) -> None:
        self.done.append((subject,))

    @property
    def asked(self) -> list[list[Any]]:
        return [call.body for call in self.polkit.heard if call.member == "CheckAuthorization"]


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    bus, caller, polkit = await Bus.connect(), await Bus.connect(), Peer()
    try:
        await polkit.bus.connect()
        await polkit.own(POLKIT)
        played = Scene(bus, polkit, caller)
        await Published(bus, dict, {"Pause": played.pause, "Resume": played.resume}).start()
        yield played
    finally:
        bus.close()
        caller.close()
        polkit.bus.close()


def test_polkit_is_asked_about_the_caller_and_its_yes_is_carried_out() -> None:
    async def story() -> None:
        async with scene() as s:
            await ask(s.caller, "Pause", "st", "a<b>.service", 7200)
            await ask(s.caller, "Resume", "s", "a<b>.service")
            assert s.done == [("a<b>.service", 7200), ("a<b>.service",)]
            subject, action, details, flags, _ = s.asked[0]
            assert subject == ["system-bus-name", {"name": s.caller.unique_name}]
            assert (action, details, flags) == ("org.heald.controller.pause", {"subject": "a_b_.service"}, 1)
            await s.caller.call("org.heald.Controller1", "/org/heald/Controller1", "org.heald.Controller1", "Resume",
                                "s", ["a"])
            assert s.asked[-1][3] == 0          # nobody is asked for a password where the call does not allow it
    run(story)


@pytest.mark.parametrize(("says", "code"), [(NO, Code.ACCESS_DENIED), (CHALLENGE, Code.INTERACTIVE)])
def test_anything_but_yes_is_no(says: list[Any], code: Code) -> None:
    async def story() -> None:
        async with scene() as s:
            s.says = says
            await fails(code, ask(s.caller, "Pause", "st", "a.service", 7200))
            assert s.done == []
            s.polkit.bus.close()
            await fails(Code.ACCESS_DENIED, ask(s.caller, "Pause", "st", "a.service", 7200))
            assert s.done == []
    run(story)


def test_wrong_arguments_have_one_error() -> None:
    async def story() -> None:
        async with scene() as s:
            assert "no such subject" in await fails(Code.INVALID_ARGS, ask(s.caller, "Pause", "st", "bad", 1))
            assert "takes 'st'" in await fails(Code.INVALID_ARGS, ask(s.caller, "Pause", "ss", "a.service", "1h"))
            assert s.done == []
    run(story)


def test_one_question_for_each_caller_and_none_for_who_has_gone() -> None:
    async def story() -> None:
        async with scene() as s:
            s.says = None
            waits = asyncio.create_task(ask(s.caller, "Pause", "st", "a.service", 1))
            first = await s.came.get()
            await fails(Code.LIMITS_EXCEEDED, ask(s.caller, "Pause", "st", "a.service", 1))
            other = await Bus.connect()
            gone = asyncio.create_task(ask(other, "Pause", "st", "b.service", 1))
            second = await s.came.get()
            other.close()
            await fails(Code.UNREACHABLE, gone)
            for call in (second, first):
                s.polkit.bus.post(Message.new_method_return(call, "(bba{ss})", [YES]))
            await waits
            s.says = YES
            await ask(s.caller, "Pause", "st", "c.service", 1)      # what came before it was carried out, or never is
            assert s.done == [("a.service", 1), ("c.service", 1)]
    run(story)
