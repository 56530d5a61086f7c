"""The desktop between the two healds, a notification server and a person's clicks, on a private bus."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bus.peer import pair, private_bus, run
from bus.test_notifications import Server
from heald.bus.connection import Bus
from heald.bus.controller1 import Published
from heald.bus.notifications import INTERFACE
from heald.bus.seat import Seat
from heald.desktop import Desktop
from heald.model import Action, Result

Document = dict[str, Any]


@pytest.fixture(autouse=True)
def daemon() -> Iterator[None]:
    with private_bus():
        yield


@pytest.fixture(autouse=True)
def seat(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Whether the person is an administrator at the screen."""
    there = {"at the screen": True}

    async def can_act(_: Seat) -> bool:
        return there["at the screen"]
    monkeypatch.setattr(Seat, "can_act", can_act)
    return there


def asked(number: str = "1", **more: Any) -> Document:
    unit = f"unit-{number}.service"
    return {"id": number, "kind": "unit-failed", "subject": unit, "severity": "high", "opened": "x", "outcome": "asked",
            "reason": "why", "actions": [], "next": {"operation": "service/start", "target": unit, "at": "x"}, **more}


def state(*incidents: Document) -> Document:
    return {"Version": "1", "Mode": "auto", "Health": 80, "Limits": {}, "Paused": [],
            "Issues": [{"kind": "unit-failed", "subject": one.get("subject", "")} for one in incidents],
            "Incidents": list(incidents)}


class Room:
    """Everything that a desktop has to do with."""

    def __init__(self, server: Server, desktop: Desktop) -> None:
        self.server, self.desktop = server, desktop
        self.own = self.system = state()
        self.healed: list[Action] = []
        self.said: list[str] = []
        self.result = Result("done", "failed -> active")
        self.published: Published

    async def heal(self, action: Action, *, wait: int = 20) -> Result:  # noqa: ARG002 - a Helper's
        self.healed.append(action)
        return self.result

    async def operations(self) -> frozenset[str]:
        return frozenset()

    def click(self, place: int, button: str) -> None:
        """On the notification that was shown as this one, counted from 1."""
        self.server.says("ActionInvoked", "us", place, button)
        self.server.says("NotificationClosed", "uu", place, 2)

    @property
    def shown(self) -> list[str]:
        return [call[3] for call in self.server.shown]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():          # noqa: ASYNC110 - what others do on the bus
        await asyncio.sleep(0.01)


@asynccontextmanager
async def room(*, served: bool = True) -> AsyncIterator[Room]:
    async with pair(named=False) as (bus, peer):
        system = await Bus.connect()
        server = Server(peer, "actions")
        if served:
            await peer.own(INTERFACE)
        made = Room(server, None)  # type: ignore[arg-type]  # comes at once: each needs the other
        made.published = Published(system, lambda: made.system, {})
        await made.published.start()
        made.desktop = Desktop(bus, bus, made, lambda: made.own, made.said.append)
        await made.desktop.start()
        try:
            yield made
        finally:
            await made.desktop.stop()
            system.close()


def test_of_one_s_own_a_click_is_the_repair() -> None:
    async def story() -> None:
        async with room() as here:
            here.own = state(asked())
            here.desktop.look()
            await until(lambda: here.shown == ["unit-1.service has failed"])
            here.click(1, "repair")
            await until(lambda: here.shown[1:] == ["unit-1.service was repaired"])
            assert [str(action) for action in here.healed] == ["service/start unit-1.service"]
    run(story)


def test_what_the_machine_s_heald_tells_is_shown_as_it_changes() -> None:
    async def story() -> None:
        async with room() as here:
            here.system = state(asked("7"))
            here.published.changed(7)
            await until(lambda: here.shown == ["unit-7.service has failed"])
            here.system = {**state(asked("7", outcome="cleared")), "Issues": []}
            here.published.changed(7)
            await until(lambda: here.server.closed == [1])
            assert here.healed == []
    run(story)


def test_who_is_not_at_the_screen_is_told_of_their_own_alone(seat: dict[str, bool]) -> None:
    async def story() -> None:
        async with room() as here:
            seat["at the screen"] = False
            here.system, here.own = state(asked("7")), state(asked("1"))
            here.published.changed(7)
            await until(lambda: here.shown == ["unit-1.service has failed"])
            seat["at the screen"] = True
            here.desktop.look()
            await until(lambda: here.shown[1:] == ["unit-7.service has failed"])
    run(story)


def test_a_server_that_comes_late_shows_what_still_asks() -> None:
    async def story() -> None:
        async with room(served=False) as here:
            here.own = state(asked())
            here.desktop.look()
            await asyncio.sleep(0)
            await here.server.peer.own(INTERFACE)
            await until(lambda: here.shown == ["unit-1.service has failed"])
    run(story)


@pytest.mark.parametrize("nonsense", [
    {"id": "1"}, asked(id=5), asked(severity="enormous"), asked(next={"operation": "nothing"}), asked(actions=["x"]),
    asked(next={"operation": "a/b", "target": "c"}), asked(outcome="refused", reason=5),
])
def test_nonsense_is_said_and_not_shown_and_ends_nothing(nonsense: Document) -> None:
    async def story() -> None:
        async with room() as here:
            here.system = state(nonsense)
            here.published.changed(1)
            await until(lambda: bool(here.said))
            assert "makes no sense" in here.said[0]
            here.own = state(asked())
            here.desktop.look()
            await until(lambda: here.shown == ["unit-1.service has failed"])
    run(story)


def test_two_clicks_are_two_prompts_one_after_the_other() -> None:
    async def story() -> None:
        async with room() as here:
            under_way: list[str] = []
            most = 0

            async def slow(action: Action, *, wait: int = 20) -> Result:
                nonlocal most
                under_way.append(action.target)
                most = max(most, len(under_way))
                await asyncio.sleep(0.05)
                under_way.remove(action.target)
                here.healed.append(action)
                return here.result
            here.heal = slow  # type: ignore[method-assign]
            here.own = state(asked("1"), asked("2"))
            here.desktop.look()
            await until(lambda: len(here.shown) == 2)
            here.click(1, "repair")
            here.click(2, "repair")
            await until(lambda: len(here.healed) == 2)
            assert most == 1
    run(story)


def test_what_is_shown_goes_with_it() -> None:
    async def story() -> None:
        async with room() as here:
            here.own = state(asked("1"), asked("2"))
            here.desktop.look()
            await until(lambda: len(here.shown) == 2)
            await here.desktop.stop()
            assert here.server.closed == [1, 2]
    run(story)
