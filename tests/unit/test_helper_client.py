"""The helper as the controller calls it: one that cannot be reached is not asked again and again."""

import asyncio

import pytest

from heald import clock
from heald.bus.helper import HelperClient
from heald.errors import Code, HealdError


class Unreachable:
    """A bus that cannot start the helper, until it can."""

    def __init__(self) -> None:
        self.asked, self.roused, self.there = 0, 0, False

    async def property(self, *_: object) -> list[str]:
        self.asked += 1
        if not self.there:
            raise HealdError(Code.UNREACHABLE, "it cannot be started")
        return ["system/trim"]

    def rouse(self, _name: str) -> None:
        self.roused += 1


def test_a_helper_that_cannot_be_started_is_left_alone_for_ever_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    bus = Unreachable()
    client = HelperClient(bus)      # type: ignore[arg-type]

    def look() -> frozenset[str]:
        client.rouse()
        return asyncio.run(client.operations())

    times = []
    for _ in range(2 * 3600):
        before = bus.asked
        with pytest.raises(HealdError):
            look()
        if bus.asked > before:
            times.append(now[0] - 1000)
        now[0] += 1
    assert times == [0, 30, 90, 210, 450, 930, 1890, 3810]
    assert bus.roused == len(times)
    bus.there, now[0] = True, now[0] + 3600
    assert look() == look() == {"system/trim"}
    assert bus.roused == len(times) + 2
