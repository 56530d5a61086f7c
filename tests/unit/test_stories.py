"""What heald does over minutes and hours, by the clock. Times are seconds after the first failure."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from heald.errors import Code, HealdError
from heald.model import Action, Category, Mode, Result
from heald.readings import FileSystem, Machine, Part, PathMode, Snapshot
from heald.resolver import HOUR
from heald.settings import BUILT_IN, Settings
from unit.world import BEGIN, Story

GIB = 1 << 30


def said(story: Story, words: str) -> list[float]:
    return [at for at, line in story.world.said if words in line]


def test_killed_once_is_started_at_once_and_closed_after_ten_minutes(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.fail("a.service")
    story.run(700)
    assert story.world.times == [0]
    (incident,) = story.incidents
    assert incident.outcome == "healed"
    assert incident.closed is not None
    assert incident.closed - BEGIN == pytest.approx(600, abs=31)


def test_dies_every_12_seconds(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.lasts["a.service"] = 12
    story.world.fail("a.service")
    story.run(6000)
    assert story.world.times == [0, 30, 150, 450, 1350, 4950]
    assert [a.operation for _, a in story.world.asked][:3] == ["start", "repair", "start"]
    assert said(story, "gave-up") == [162]          # once
    assert len(story.incidents) == 1


def test_killed_six_times_in_three_minutes(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for at in (0, 20, 40, 100, 155, 170):
        story.world.at(at, lambda: story.world.fail("a.service"))
    story.run(1000)
    assert story.world.times == [0, 30, 150, 450]
    assert len(said(story, "gave-up")) == 1
    assert story.incidents[0].outcome == "gave-up"


def test_fails_again_an_hour_later_is_a_new_incident(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.fail("a.service")
    story.world.at(3600, lambda: story.world.fail("a.service"))
    story.run(3700)
    assert story.world.times == [0, 3600]
    assert [i.outcome for i in story.incidents] == ["healed", "healed"]


def test_a_person_who_starts_it_ends_the_incident(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.lasts["a.service"] = 12
    story.world.fail("a.service")
    story.run(20)
    story.world.lasts.clear()           # from now on it stays up
    story.world.at(21, lambda: story.world.start("a.service"))
    story.world.at(60, lambda: story.world.fail("a.service"))
    story.run(100)
    first, second = story.incidents
    assert (first.outcome, second.outcome) == ("cleared", "healed")
    assert story.world.times == [0, 60]


def test_disk_waits_a_minute_and_is_critical_at_once(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.filesystems["/"] = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 92 * GIB, 8 * GIB)
    story.run(50)
    assert story.world.times == []
    story.run(61)
    assert story.world.times == [60] * 4            # a person is asked before generations are dropped
    other = Story(tmp_path / "critical")
    other.world.filesystems["/"] = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 98 * GIB, 2 * GIB)
    assert other.run(1).world.times == [0] * 5


def test_a_cleaning_that_frees_nothing_is_tried_again_at_each_wait(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.filesystems["/"] = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 98 * GIB, 2 * GIB)
    story.run(2000)
    rounds = ["clean-packages", "clean-temporary", "vacuum-journal", "collect-garbage", "drop-generations"] * 5
    assert [action.operation for _, action in story.world.asked] == rounds
    assert story.world.times[::5] == story.world.times[4::5] == [0, 30, 150, 450, 1350]     # critical: at most 15 min
    assert len(said(story, "gave-up")) == 1


def test_a_cleaning_ends_with_the_rung_that_freed_enough_and_leaves_out_what_frees_elsewhere(tmp_path: Path) -> None:
    story = Story(tmp_path)
    full = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 98 * GIB, 2 * GIB,
                      frees=frozenset({"resource/clean-temporary", "resource/vacuum-journal"}))

    def frees(_: Action) -> Result:
        story.world.filesystems["/"] = replace(full, used=50 * GIB, available=50 * GIB)
        return Result("done")

    story.world.filesystems["/"] = full
    story.world.answer = frees
    story.run(60)
    assert [str(action) for _, action in story.world.asked] == ["resource/clean-temporary"]
    assert story.incidents[0].outcome == "healed"


def test_permissions(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.paths["/tmp"] = PathMode("/tmp", 0o755, 0, 0)
    story.run(1)
    assert [str(a) for _, a in story.world.asked] == ["system/restore-permissions"]


def test_boot_is_waited_for_and_no_rule_overrides_it(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.machine = Machine("starting", up=10)
    story.world.fail("a.service")
    story.run(60)
    assert story.world.times == []
    assert story.incidents[0].outcome == "stood-back"
    assert story.incidents[0].reason.startswith("boot: ")
    story.world.machine = Machine()
    story.run(120)
    assert len(story.world.times) == 1


def test_looks_again_while_standing_back_at_2_s_doubling_to_the_interval(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.fail("a.service", job=7)
    story.run(0)
    assert story.engine.until - story.world.now == 2
    story.run(3600)
    assert story.engine.until - BEGIN <= 3630


def test_while_systemd_cannot_be_read_that_is_said_once_and_tried_again_at_1_s_doubling_to_the_interval(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story, looks, words = Story(tmp_path), list[float](), "nobody owns it"

    async def silent(*_: object) -> Snapshot:
        looks.append(story.world.now - BEGIN)
        raise HealdError(Code.UNREACHABLE, words)
    with monkeypatch.context() as patch:
        patch.setattr(story.world, "read", silent)
        story.run(1800)
        words = "no answer in 10 s"
        story.run(3600)
        assert looks[:7] == [0, 1, 2, 4, 8, 16, 32]
        assert max(after - before for before, after in pairwise(looks)) == 30
        assert len(looks) < 7 + 3600 / 30
        assert [line for _, line in story.world.said] == [
            "cannot look: nobody owns it", "cannot look: no answer in 10 s"]
        words = "nobody owns it"
    story.world.fail("a.service")
    story.run(3700)
    assert len(story.world.times) == 1
    monkeypatch.setattr(story.world, "read", silent)
    story.engine.wake(Part.UNITS)
    story.run(3701)
    assert said(story, "cannot look: nobody owns it") == [0, 3700]


def test_observe_caps_every_rule(tmp_path: Path) -> None:
    story = Story(tmp_path, settings=Settings(mode=Mode.OBSERVE))
    story.world.fail("a.service")
    story.run(100)
    assert story.world.times == []
    assert story.incidents[0].outcome == "observed"
    assert "it would do service/start a.service" in story.incidents[0].reason


def test_ask_waits_for_a_person(tmp_path: Path) -> None:
    rules = tuple(replace(r, mode=Mode.ASK) for r in BUILT_IN)
    story = Story(tmp_path, settings=Settings(rules=rules))
    story.world.fail("a.service")
    story.run(100)
    assert story.world.times == []
    assert story.incidents[0].outcome == "asked"
    assert story.incidents[0].next is not None
    assert story.incidents[0].next[0] == Action(Category.SERVICE, "start", "a.service")


def test_a_job_is_not_run_twice_by_guess(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.fail("backup.service", service_type="oneshot")
    story.world.fail("rotate.service", triggered_by=("rotate.timer",))
    story.run(100)
    assert story.world.times == []
    assert [i.outcome for i in story.incidents] == ["observed", "observed"]


def test_a_change_of_the_unit_begins_anew(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.answer = lambda _: Result(Code.FAILED, "exit-code")
    story.world.fail("a.service", files=5.0)
    story.run(10)
    story.world.fail("a.service", files=6.0)
    story.run(41)
    assert [(round(at), a.operation) for at, a in story.world.asked] == [
        (0, "start"), (10, "start"), (40, "repair"),
    ]
    assert len(story.incidents) == 2


def test_ten_incidents_an_hour(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for n in range(14):
        story.world.fail(f"u{n}.service")
    story.run(600)
    assert len(story.world.times) == 10
    assert "incidents an hour" in story.incidents[-1].reason
    story.run(3700)
    assert len(story.world.times) == 14


def test_four_of_the_ten_are_kept_for_subjects_not_touched(tmp_path: Path) -> None:
    """Six incidents in the hour are enough for a subject that had one of them; one that had none is healed at once."""
    story = Story(tmp_path)
    for n in range(6):
        story.world.at(n * 60, lambda n=n: story.world.fail(f"u{n}.service"))  # type: ignore[misc]
    story.world.at(1800, lambda: story.world.fail("u0.service"))
    story.world.at(1860, lambda: story.world.fail("new.service"))
    story.run(2 * HOUR)
    asked = [(at, action.target) for at, action in story.world.asked]
    assert [at for at, target in asked if target == "u0.service"] == [0, HOUR]
    assert [at for at, target in asked if target == "new.service"] == [1860]


def test_what_a_person_asks_for_and_root_has_no_place_for_is_asked_once(tmp_path: Path) -> None:
    """Two calls of theirs are under way already: that is no rung, and no reason to ask without end."""
    story = Story(tmp_path, paced=False, at_once=True)
    story.world.fail("a.service")
    story.world.answer = lambda _: Result(Code.LIMITS_EXCEEDED, "too many calls are in flight: wait for an answer")
    story.run(29)
    assert story.world.times == [0]
    assert "too many calls" in story.incidents[0].reason
