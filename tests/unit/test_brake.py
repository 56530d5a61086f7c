"""The fleet's brake by the clock, in the real engine: when it asks, what it lets go, and when it asks again."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from heald.brake import AT_ONCE, LONGEST, Brake
from heald.errors import Code, HealdError
from heald.fleet import Fleet, Share
from heald.model import Action, Mode, Result
from heald.settings import BUILT_IN, Settings
from unit.world import BEGIN, Story

ON = Fleet("http://192.0.2.10:9090")


class Held(Story):
    """A machine with a brake, whose Prometheus answers what `counts` says by the seconds since the beginning."""

    def __init__(self, folder: Path, counts: Callable[[float], Share], fleet: Fleet = ON, spread: float = 0.0,
                 settings: Settings | None = None) -> None:
        super().__init__(folder, settings=settings)
        self.asked: list[tuple[float, str, str]] = []
        self.counts = counts
        w = self.world
        w.takes = 0.1           # the loop has turns, in which questions are answered
        self.brake = Brake(fleet, self.engine.wake, lambda line: w.said.append((round(w.now - BEGIN, 3), line)),
                           ask=self._ask, now=lambda: w.now, spread=spread)
        self.engine.hold = self.brake.hold

    async def _ask(self, kind: str, subject: str, _: Fleet) -> Share:
        at = self.world.now - BEGIN
        self.asked.append((round(at, 3), kind, subject))
        return self.counts(at)

    @property
    def questions(self) -> list[float]:
        return [at for at, _, _ in self.asked]


def said(story: Story, words: str) -> list[float]:
    return [at for at, line in story.world.said if words in line]


def lost(_: float) -> Share:
    """As of Prometheus out of reach."""
    raise HealdError(Code.UNREACHABLE, "Prometheus at http://192.0.2.10:9090 cannot be asked: no answer in 2 s")


def test_it_asks_once_all_were_scraped_and_acts_where_few_are_ill(tmp_path: Path) -> None:
    story = Held(tmp_path, lambda _: Share(12, 1000))
    story.world.fail("a.service")
    story.run(40)
    assert (story.world.times, story.asked) == ([], [])
    assert story.incidents[0].reason == "the fleet is asked first, 45s after the issue was seen"
    assert story.incidents[0].outcome == "open"
    story.run(100)
    assert story.asked == [(45, "unit-failed", "a.service")]
    assert story.world.times == [pytest.approx(45, abs=3.1)]
    assert story.incidents[0].outcome == "healed"


def test_above_the_mark_it_stands_back_asks_ever_more_seldom_and_goes_on_when_it_is_below(tmp_path: Path) -> None:
    story = Held(tmp_path, lambda at: Share(370 if at < 2000 else 300, 1000))
    story.world.fail("a.service")
    story.run(1900)
    assert story.world.times == []
    assert story.incidents[0].outcome == "stood-back"
    assert story.incidents[0].reason.startswith("fleet: 37 % of 1,000 machines have the same issue (more than 30 %)")
    assert len(said(story, "stood-back: fleet: ")) == 1         # told once
    waits = [after - before for before, after in zip(story.questions, story.questions[1:], strict=False)]
    assert waits[:2] == [pytest.approx(45, abs=3.1), pytest.approx(45, abs=3.1)]
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(LONGEST, abs=3.1)
    story.run(2400)
    assert len(story.world.times) == 1
    assert 2000 <= story.world.times[0] <= 2000 + LONGEST + 3.1
    assert story.incidents[0].outcome == "healed"


def test_every_repair_of_a_crash_loop_is_asked_for(tmp_path: Path) -> None:
    story = Held(tmp_path, lambda at: Share(2 if at < 60 else 900, 1000))
    story.world.lasts["a.service"] = 12
    story.world.fail("a.service")
    story.run(3600)
    assert len(story.world.times) == 1
    assert story.incidents[0].reason.startswith("fleet: 90 % ")


@pytest.mark.parametrize(("word", "acts", "told"), [("act", 1, "acts as if alone"), ("stand-back", 0, "stands back")])
def test_out_of_reach(tmp_path: Path, word: str, acts: int, told: str) -> None:
    story = Held(tmp_path, lost, replace(ON, unreachable=word))
    story.world.fail("a.service")
    story.run(400)
    assert len(story.world.times) == acts
    assert story.questions[:3] == [45, pytest.approx(55, abs=3.1), pytest.approx(65, abs=6.2)]    # it may only be busy
    assert len(said(story, f"no answer in 2 s; until it answers heald {told}")) == 1
    if not acts:
        assert story.incidents[0].reason == (
            "fleet: Prometheus at http://192.0.2.10:9090 cannot be asked: no answer in 2 s; it is asked again")
    story.counts = lambda _: Share(1, 1000)
    story.world.fail("b.service")
    story.run(1200)
    assert len(said(story, "answers again")) == 1
    assert {action.target for _, action in story.world.asked} == {"a.service", "b.service"}


def test_one_answer_that_does_not_come_is_asked_for_again(tmp_path: Path) -> None:
    """A thousand machines that ask at once, and act where Prometheus is too busy to answer, would be no brake."""
    story = Held(tmp_path, lambda at: lost(at) if at < 60 else Share(900, 1000))
    story.world.fail("a.service")
    story.run(300)
    assert story.world.times == []
    assert story.incidents[0].reason.startswith("fleet: 90 % ")
    assert not said(story, "cannot be asked")


def test_a_relapse_is_asked_about_anew(tmp_path: Path) -> None:
    story = Held(tmp_path, lambda _: Share(1, 1000))
    story.world.fail("a.service")
    story.world.at(200, lambda: story.world.fail("a.service"))
    story.run(400)
    assert story.questions == [45, 245]


def test_what_is_well_is_not_repaired_when_the_brake_opens(tmp_path: Path) -> None:
    story = Held(tmp_path, lambda at: Share(900 if at < 100 else 1, 1000))
    story.world.fail("a.service")
    story.world.at(90, lambda: story.world.start("a.service"))
    story.run(1000)
    assert story.world.times == []
    assert story.incidents[0].outcome == "cleared"


def test_it_is_not_asked_about_what_nothing_is_done_about(tmp_path: Path) -> None:
    asks = Settings(rules=tuple(replace(rule, mode=Mode.ASK) for rule in BUILT_IN))
    for settings in (Settings(mode=Mode.OBSERVE), asks):
        story = Held(tmp_path / settings.mode.label, lambda _: Share(900, 1000), settings=settings)
        story.world.fail("a.service")
        story.run(600)
        assert story.asked == []
        assert story.incidents[0].outcome in {"observed", "asked"}


def test_one_issue_that_is_held_holds_no_other(tmp_path: Path) -> None:
    story = Held(tmp_path, lambda _: Share(900, 1000))
    story.counts = lambda _: Share(900 if story.asked[-1][2] == "a.service" else 1, 1000)
    story.world.fail("a.service")
    story.world.fail("b.service")
    story.run(300)
    assert [action.target for _, action in story.world.asked] == ["b.service"]


def test_a_storm_is_healed_behind_the_brake_too(tmp_path: Path) -> None:
    story = Held(tmp_path, lambda _: Share(1, 1000))
    for number in range(6):
        story.world.fail(f"u{number}.service")
    story.run(300)
    assert len(story.world.times) == 6


@pytest.mark.parametrize(("ill", "acts"), [(900, False), (1, True)])
def test_of_a_storm_a_few_are_asked_about_at_a_time_and_who_waits_for_that_is_held(
        tmp_path: Path, ill: int, acts: bool) -> None:
    story, under_way, most, answered = Held(tmp_path, lambda _: Share(ill, 1000)), 0, 0, set[str]()

    async def ask(kind: str, subject: str, fleet: Fleet) -> Share:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        under_way -= 1
        answered.add(subject)
        return await story._ask(kind, subject, fleet)

    def begins(action: Action) -> None:
        assert action.target in answered
    story.brake._ask, story.world.begins = ask, begins
    for number in range(100):
        story.world.fail(f"u{number}.service")
    story.run(300)
    assert most == AT_ONCE
    assert len(answered) == 100
    assert bool(story.world.times) is acts


def test_machines_do_not_ask_in_step(tmp_path: Path) -> None:
    first = [Held(tmp_path / str(spread), lambda _: Share(1, 9), spread=spread) for spread in (0.0, 1.0)]
    for story in first:
        story.world.fail("a.service")
        story.run(100)
    assert [story.questions for story in first] == [[45], [60]]


def test_a_mistake_of_ours_ends_heald_and_is_not_waited_for(tmp_path: Path) -> None:
    def wrong(_: float) -> Share:
        raise ZeroDivisionError
    story = Held(tmp_path, wrong)
    story.world.fail("a.service")
    with pytest.raises(ZeroDivisionError):
        story.run(100)


def test_a_question_that_hangs_holds_up_its_issue_alone(tmp_path: Path) -> None:
    """No time limit is relied on here: the engine goes on in any case."""
    story = Held(tmp_path, lambda _: Share(1, 9))
    ask = story._ask

    async def hang(kind: str, subject: str, fleet: Fleet) -> Share:
        if subject == "a.service":
            await asyncio.get_running_loop().create_future()
        return await ask(kind, subject, fleet)
    story.brake._ask = hang
    story.world.fail("a.service")
    story.world.fail("b.service")
    story.run(200)
    assert [str(action) for _, action in story.world.asked] == ["service/start b.service"]


def test_a_repair_that_failed_is_asked_for_again(tmp_path: Path) -> None:
    story = Held(tmp_path, lambda _: Share(1, 1000))
    story.world.answer = lambda _: Result(Code.FAILED, "exit-code")
    story.world.fail("a.service")
    story.run(400)
    assert len(story.questions) == len(story.world.times) > 2
