"""Limits are lifted when nothing needs them any more, when heald stops, and when it starts after a crash."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from heald.errors import Code
from heald.lifting import Lifter, limited
from heald.model import Action, Category, Incident, Result
from heald.readings import Holder, Load
from heald.settings import Rule, Rung, Settings
from unit.world import Story, World

WELL = Load(available=60, swap=0, per_core=0.3, memory_full=0, io_full=0, cpu_some=1)
SHORT = replace(WELL, available=4, memory_full=12, memory_holder=Holder("db.service", 0.6, system=True))
LIMIT = Rung(Category.RESOURCE, "limit-memory")
SETTINGS = Settings(rules=(Rule("limit", "*memory*", ladder=(LIMIT,)),))
UNLIMIT = "resource/unlimit db.service"


class Lifting:
    """A story whose memory gets short, and a Lifter in it."""

    def __init__(self, folder: Path, load: Load = SHORT) -> None:
        self.story = Story(folder, settings=SETTINGS)
        self.story.world.load = load
        self.said: list[str] = []
        self.told: list[Incident] = []
        self.lifter = Lifter(self.story.history, self.story.world, self.said.append, self.told.append)

    def lift(self, *, everything: bool = False) -> list[str]:
        """What root was asked meanwhile."""
        before = len(self.story.world.asked)
        asyncio.run(self.lifter.lift(everything=everything))
        return [str(action) for _, action in self.story.world.asked[before:]]

    @property
    def limited(self) -> set[str]:
        return set(limited(self.story.history.known.values()))


@pytest.fixture
def lifting(tmp_path: Path) -> Lifting:
    """One unit is limited."""
    made = Lifting(tmp_path)
    made.story.run(31)
    assert [str(action) for _, action in made.story.world.asked] == ["resource/limit-memory db.service"]
    assert made.limited == {"db.service"}
    return made


def test_a_limit_stays_while_memory_is_short_and_is_lifted_once_when_it_is_not(lifting: Lifting) -> None:
    assert lifting.lift() == []
    lifting.story.world.load = WELL
    lifting.story.run(70)
    assert lifting.lift() == [UNLIMIT]
    assert lifting.limited == set()
    assert lifting.lift() == []
    (incident,) = lifting.story.incidents
    assert [attempt.action.operation for attempt in incident.attempts] == ["limit-memory", "unlimit"]
    assert lifting.told == [incident]
    assert lifting.said == [f"{UNLIMIT}: done"]


def test_what_two_incidents_need_is_lifted_when_both_are_over(tmp_path: Path) -> None:
    lifting = Lifting(tmp_path, replace(SHORT, memory_full=50))      # memory-low and pressure-memory
    lifting.story.run(61)
    assert len(lifting.story.incidents) == 2
    assert {len(i.attempts) for i in lifting.story.incidents} == {1}
    lifting.story.world.load = replace(WELL, memory_full=50)
    lifting.story.run(100)
    assert [i.well is None for i in lifting.story.incidents].count(True) == 1
    assert lifting.lift() == []
    lifting.story.world.load = WELL
    lifting.story.run(140)
    assert lifting.lift() == [UNLIMIT]
    assert lifting.limited == set()


def test_all_are_lifted_when_heald_stops_and_after_a_crash(lifting: Lifting) -> None:
    assert lifting.lift(everything=True) == [UNLIMIT]
    assert lifting.limited == set()


def test_a_limit_that_a_person_set_as_asked_is_lifted_too(tmp_path: Path) -> None:
    lifting = Lifting(tmp_path)
    lifting.story.engine.use(Settings())        # the built-in rules only ask
    lifting.story.run(31)
    assert [(i.kind, i.outcome) for i in lifting.story.incidents] == [("memory-low", "asked")]
    for other in (Action(Category.RESOURCE, "limit-memory", "web.service"), Action(Category.SERVICE, "start", "a.b")):
        lifting.lifter.seen(other, success=True)
        assert lifting.limited == set()
    lifting.lifter.seen(Action(Category.RESOURCE, "limit-memory", "db.service"), success=False)
    assert lifting.limited == set()
    lifting.lifter.seen(Action(Category.RESOURCE, "limit-memory", "db.service"), success=True)
    assert lifting.limited == {"db.service"}
    lifting.story.world.load = WELL
    lifting.story.run(70)
    assert lifting.lift() == [UNLIMIT]
    assert lifting.story.world.asked[:-1] == []


def test_a_limit_whose_end_nobody_saw_is_lifted_by_the_next_daemon(tmp_path: Path) -> None:
    lifting = Lifting(tmp_path)

    def dies(_: Action) -> Result:
        raise RuntimeError("the controller died here")

    lifting.story.world.answer = dies
    with pytest.raises(RuntimeError, match="died here"):
        lifting.story.run(31)
    lifting.story.history.close()
    world = World(now=lifting.story.world.now)
    again = Story(tmp_path, world)
    asyncio.run(Lifter(again.history, world, lambda _: None).lift(everything=True))
    assert [str(action) for _, action in world.asked] == [UNLIMIT]


@pytest.mark.parametrize(("code", "again"), [
    (Code.UNREACHABLE, True), (Code.TIMEOUT, True), (Code.BUSY, True), (Code.LIMITS_EXCEEDED, True),
    (Code.HEALTHY, False), (Code.NOT_SUPPORTED, False), (Code.ACCESS_DENIED, False), (Code.FAILED, False),
])
def test_an_answer_that_says_nothing_of_the_limit_is_asked_for_again(lifting: Lifting, code: Code,
                                                                     again: bool) -> None:
    lifting.story.world.answer = lambda _: Result(code, "because")
    assert lifting.lift(everything=True) == [UNLIMIT]
    assert lifting.said == [f"{UNLIMIT}: {code}: because"]
    assert (lifting.limited == {"db.service"}) is again
    assert lifting.lift(everything=True) == ([UNLIMIT] if again else [])


@pytest.mark.parametrize("state", [Code.HEALTHY, Code.PROTECTED, "would"])
def test_what_was_not_limited_is_not_lifted(tmp_path: Path, state: str) -> None:
    lifting = Lifting(tmp_path)
    lifting.story.world.answer = lambda _: Result(state)
    lifting.story.run(31)
    assert lifting.limited == set()


def test_a_limit_of_another_boot_is_gone(lifting: Lifting) -> None:
    (incident,) = lifting.story.incidents
    earlier = [replace(attempt, started=attempt.started - 10**6) for attempt in incident.attempts]
    assert limited([replace(incident, attempts=tuple(earlier))]) == {}


def test_to_lift_a_limit_is_no_repair_and_a_relapse_is_not_limited_again(lifting: Lifting) -> None:
    lifting.story.world.load = WELL
    lifting.story.run(70)
    lifting.lift()
    lifting.story.world.load = SHORT
    lifting.story.run(300)
    (incident,) = lifting.story.incidents
    assert [attempt.action.operation for attempt in incident.attempts] == ["limit-memory", "unlimit"]
    assert incident.outcome == "gave-up"
    assert lifting.story.engine.left["incidents_left"] == 9
