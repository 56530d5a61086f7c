"""Which units are read, and of which the journal is asked."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from heald.bus.systemd import Listed, Manager
from heald.readings import Unit
from heald.sensors import journal
from heald.sensors.units import Units


class Stand(Manager):
    """Answers as systemd would: what is failed, and what each unit is. Needs no bus."""

    def __init__(self, failed: list[str], known: list[Unit]) -> None:
        self._failed, self._known = failed, {unit.name: unit for unit in known}
        self.read: list[str] = []

    async def failing(self) -> dict[str, Listed]:
        return await self.listed(self._failed)

    async def listed(self, names: Iterable[str]) -> dict[str, Listed]:
        found = [self._known.get(name, Unit(name, "not-found", "inactive")) for name in names]
        return {u.name: Listed(u.name, u.load_state, u.active_state, u.sub_state, u.job) for u in found}

    async def unit(self, name: str) -> Unit | None:
        self.read.append(name)
        return self._known.get(name)


async def look(units: Units, *also: str) -> tuple[Unit, ...]:
    return await units.read(await units.listed(also))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, str], ...]]:
    """What the journal was asked, each time; it answers "stop" to all."""
    seen: list[tuple[tuple[str, str], ...]] = []

    async def newest_jobs(units: Mapping[str, str], *, user: bool = False) -> dict[str, str]:
        seen.append(tuple(units.items()))
        return dict.fromkeys(units, "stop")

    monkeypatch.setattr(journal, "newest_jobs", newest_jobs)
    return seen


def failed(name: str, main_start: int = 0, main_exit: int = 0, active_exit: int = 0) -> Unit:
    return Unit(name, active_state="failed", invocation="ab",
                main_start=main_start, main_exit=main_exit, active_exit=active_exit)


def test_the_failed_and_the_watched_each_once_and_the_gone_not_at_all(asked: list[tuple[tuple[str, str], ...]]) -> None:
    crashed = failed("a.service", main_start=1, active_exit=2, main_exit=2)
    stand = Stand(["a.service", "gone.service"], [crashed, Unit("b.service")])
    found = asyncio.run(look(Units(stand), "b.service", "a.service", "absent.service"))
    assert found == (crashed, Unit("b.service"))
    assert stand.read == ["a.service", "gone.service", "b.service", "absent.service"]
    assert asked == []


@pytest.mark.parametrize("unit", [failed("a.service"), failed("a.service", main_start=5, main_exit=6),
                                  failed("a.service", main_start=5, main_exit=6, active_exit=4)])
def test_where_the_stamps_are_silent_the_journal_is_asked(unit: Unit, asked: list[tuple[tuple[str, str], ...]]) -> None:
    [found] = asyncio.run(look(Units(Stand(["a.service"], [unit]))))
    assert found.newest_job == "stop"
    assert asked == [(("a.service", "ab"),)]


def test_of_a_unit_that_is_not_failed_nothing_is_asked(asked: list[tuple[tuple[str, str], ...]]) -> None:
    asyncio.run(look(Units(Stand([], [Unit("a.service", active_state="inactive")])), "a.service"))
    assert asked == []


def test_of_all_that_fail_at_once_the_journal_is_asked_once_and_once_for_each_failure(
    asked: list[tuple[tuple[str, str], ...]]
) -> None:
    names = [f"u{n}.service" for n in range(40)]
    units = Units(stand := Stand(names, [failed(name) for name in names]))

    async def three_looks() -> None:
        for after in ("ab", "ab", "cd"):
            stand._known["u0.service"] = replace(failed("u0.service"), invocation=after)
            units._known.clear()        # the readings are too old
            assert {unit.newest_job for unit in await look(units)} == {"stop"}
    asyncio.run(three_looks())
    assert asked == [tuple((name, "ab") for name in names), (("u0.service", "cd"),)]
