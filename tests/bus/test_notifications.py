"""What is shown on a desktop, with a notification server that knows more or less, comes late, or goes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from dbus_next.message import Message

from bus.peer import Peer, fails, pair, private_bus, run, settled
from heald.bus.connection import Bus
from heald.bus.notifications import INTERFACE, Notifications
from heald.errors import Code

PATH = "/org/freedesktop/Notifications"
KEY, OTHER = ("system", "1"), ("own", "2")
BUTTONS = (("repair", "Repair now"), ("later", "Not now"))


@pytest.fixture(autouse=True)
def daemon() -> Iterator[None]:
    with private_bus():
        yield


class Server:
    """Answers as a notification server; `shown` are the arguments of each Notify."""

    def __init__(self, peer: Peer, *capabilities: str) -> None:
        self.peer, self.capabilities = peer, list(capabilities)
        self.shown: list[list[Any]] = []
        self.closed: list[int] = []
        peer.answer = self._answer

    def _answer(self, call: Message) -> Message:
        if call.member == "GetCapabilities":
            return Message.new_method_return(call, "as", [self.capabilities])
        if call.member == "Notify":
            self.shown.append(call.body)
            return Message.new_method_return(call, "u", [call.body[1] or len(self.shown)])
        self.closed += call.body
        return Message.new_method_return(call)

    def says(self, member: str, signature: str, *body: object, by: Peer | None = None) -> None:
        (by or self.peer).bus.post(Message.new_signal(PATH, INTERFACE, member, signature, list(body)))


class Screen:
    """Notifications, and what it was told."""

    def __init__(self, bus: Bus) -> None:
        self.told: list[object] = []
        self.notifications = Notifications(bus, lambda key, button: self.told.append((key, button)),
                                           self.told.append, lambda: self.told.append("emptied"))

    async def show(self, body: str = "text", key: tuple[str, str] = KEY) -> None:
        await self.notifications.show(key, "summary", body, urgency=1, stays=True, buttons=BUTTONS)


@asynccontextmanager
async def served(*capabilities: str) -> AsyncIterator[tuple[Bus, Server, Screen]]:
    async with pair(named=False) as (bus, peer):
        server, screen = Server(peer, *capabilities), Screen(bus)
        await peer.own(INTERFACE)
        await screen.notifications.start()
        yield bus, server, screen


def test_buttons_only_where_the_server_shows_them() -> None:
    async def story() -> None:
        async with served("body", "actions") as (_, server, screen):
            await screen.show()
            server.capabilities = ["body"]
            await screen.show()
            assert [call[5] for call in server.shown] == [["repair", "Repair now", "later", "Not now"], []]
    run(story)


def test_one_place_for_each_incident_and_its_urgency() -> None:
    async def story() -> None:
        async with served() as (_, server, screen):
            await screen.show()
            await screen.show()
            await screen.show(key=OTHER)
            assert [call[1] for call in server.shown] == [0, 1, 0]
            application, _, icon, summary, body, _, hints, expires = server.shown[0]
            assert (application, icon, summary, body, expires) == ("heald", "dialog-warning", "summary", "text", 0)
            assert hints["urgency"] == 1
    run(story)


def test_a_text_is_no_markup() -> None:
    async def story() -> None:
        async with served("body", "body-markup") as (_, server, screen):
            await screen.show("<b>a & b")
            server.capabilities = ["body"]
            await screen.show("<b>a & b")
            assert [call[4] for call in server.shown] == ["&lt;b&gt;a &amp; b", "<b>a & b"]
    run(story)


def test_a_click_is_told_once_and_is_no_dismissal() -> None:
    async def story() -> None:
        async with served("actions") as (bus, server, screen):
            await screen.show()
            await screen.show(key=OTHER)
            server.says("ActionInvoked", "us", 1, "repair")
            server.says("NotificationClosed", "uu", 1, 2)
            server.says("NotificationClosed", "uu", 2, 2)
            server.says("ActionInvoked", "us", 77, "repair")
            await settled(bus, server.peer)
            assert screen.told == [(KEY, "repair"), OTHER]
    run(story)


@pytest.mark.parametrize("reason", [1, 3, 4])
def test_what_expires_was_not_dismissed(reason: int) -> None:
    async def story() -> None:
        async with served() as (bus, server, screen):
            await screen.show()
            server.says("NotificationClosed", "uu", 1, reason)
            await settled(bus, server.peer)
            assert screen.told == []
    run(story)


def test_nobody_but_the_server_clicks() -> None:
    async def story() -> None:
        async with served("actions") as (bus, server, screen):
            await screen.show()
            stranger = Peer()
            await stranger.bus.connect()
            server.says("ActionInvoked", "us", 1, "repair", by=stranger)
            await settled(bus, stranger)
            stranger.bus.close()
            assert screen.told == []
    run(story)


def test_no_server_is_an_error_and_one_that_comes_is_heard_of() -> None:
    async def story() -> None:
        async with pair(named=False) as (bus, peer):
            screen = Screen(bus)
            await screen.notifications.start()
            await fails(Code.UNREACHABLE, screen.show())
            server = Server(peer)
            await peer.own(INTERFACE)
            await settled(bus, peer)
            assert screen.told == ["emptied"]
            await screen.show()
            assert len(server.shown) == 1
    run(story)


def test_what_is_left_is_taken_away() -> None:
    async def story() -> None:
        async with served() as (_, server, screen):
            await screen.show()
            await screen.show(key=OTHER)
            await screen.notifications.close(OTHER)
            await screen.notifications.close(OTHER)
            await screen.notifications.close_all()
            assert server.closed == [2, 1]
    run(story)
