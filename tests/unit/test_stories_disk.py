"""What heald does about units that fail while a disk is full. Times are seconds after the first failure."""

from dataclasses import replace
from pathlib import Path

import pytest

from heald.errors import Code
from heald.model import Action, Category, Decision, Mode, Result, Verdict
from heald.readings import FileSystem
from heald.settings import Rule, Settings
from heald.thresholds import Thresholds
from unit.world import BEGIN, Story, World

GIB = 1 << 30
FULL = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 98 * GIB, 2 * GIB)
EMPTY = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 10 * GIB, 90 * GIB)

CLEANERS = 5        # on the ladder of a full disk


def test_a_full_disk_and_three_services(tmp_path: Path) -> None:
    """The disk at once; the services wait until it is well, then rung 1."""
    story = Story(tmp_path)
    world = story.world
    world.filesystems["/"] = FULL
    for n in range(3):
        world.fail(f"u{n}.service")

    def answer(action: Action) -> Result:
        if action.target:
            assert world.filesystems["/"] is EMPTY
            return world.up(action)
        world.filesystems["/"] = EMPTY
        return Result("done")
    world.answer = answer
    story.run(5)
    assert world.targets == ["", "u0.service", "u1.service", "u2.service"]
    assert {a.operation for _, a in world.asked[1:]} == {"start"}
    assert [i.subject for i in story.incidents] == ["/"]


def test_a_service_waits_for_a_disk_that_only_a_person_can_empty_no_longer_than_for_its_ladder(tmp_path: Path) -> None:
    """root is busy with the disk for 20 s: the service waits."""
    story = Story(tmp_path)
    world = story.world
    world.filesystems["/"] = FULL
    world.fail("a.service")
    world.answer = lambda a: world.up(a) if a.target else Result(Code.BUSY if world.now < BEGIN + 20 else "done")
    story.run(30)
    assert [(at, a.target) for at, a in world.asked] == [
        (0, ""), (5, ""), (10, ""), (15, ""), *[(20, "")] * CLEANERS, (20, "a.service")]


def test_a_disk_that_stays_full_is_waited_for_until_its_ladder_is_through(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.filesystems["/"] = FULL
    world.fail("a.service")
    story.run(10)
    assert world.targets == [*[""] * CLEANERS, "a.service"]


def test_a_disk_that_is_only_observed_holds_up_nobody(tmp_path: Path) -> None:
    rules = (Rule("watch", "disk-full", mode=Mode.OBSERVE), *Settings().rules)
    story = Story(tmp_path, settings=Settings(rules=rules))
    story.world.filesystems["/"] = FULL
    story.world.fail("a.service")
    story.run(10)
    assert story.world.targets == ["a.service"]


def test_two_full_disks_are_not_cleaned_by_one_operation_twice_at_once(tmp_path: Path) -> None:
    """The world objects to it: what the second wants is being done for the first."""
    story = Story(tmp_path)
    world = story.world
    world.filesystems["/"] = FULL
    world.filesystems["/var"] = replace(FULL, mount="/var", device="/dev/b")
    world.takes = 7
    story.run(60)
    assert len({action.operation for _, action in world.asked}) == CLEANERS


@pytest.mark.parametrize("why", ["paused", "fleet"])
def test_a_critical_disk_that_is_held_holds_up_nobody_else(tmp_path: Path, why: str) -> None:
    story = Story(tmp_path)
    world = story.world
    world.filesystems["/"] = FULL
    if why == "paused":
        world.machine = replace(world.machine, paused={"/": "2030-01-01T00:00:00Z"})
    else:
        story.engine.hold = lambda issue, decision: decision if issue.unit else Decision(
            Verdict.STAND_BACK, "fleet: too many have it", until=story.world.now + 300)
    world.at(10, lambda: world.fail("nginx.service"))
    story.run(600)
    assert world.targets == ["nginx.service"]
    assert [(i.subject, i.outcome) for i in story.incidents] == [("/", "stood-back")]


def test_what_was_of_no_use_is_tried_again_when_it_is_worse(tmp_path: Path) -> None:
    """A threshold below root's mark: root finds nothing to do until the disk is fuller."""
    story = Story(tmp_path, settings=Settings(thresholds=Thresholds(disk_percent=70)))
    world = story.world

    def full(percent: int) -> None:
        world.filesystems["/"] = FileSystem(
            "/", "/dev/sda1", "ext4", 20 * GIB, percent * 20 * GIB // 100, (100 - percent) * 20 * GIB // 100,
            frees=frozenset({"resource/clean-packages"}))

    world.answer = lambda _: Result(Code.HEALTHY if world.filesystems["/"].percent < 80 else "done")
    full(72)
    world.at(3600, lambda: full(99))
    story.run(3700)
    assert [at for at, action in world.asked if action.operation == "clean-packages"][1] == 3600


GARBAGE = Action(Category.SYSTEM, "collect-garbage")
STORE = replace(FULL, mount="/nix", frees=frozenset({"system/collect-garbage", "system/drop-generations"}))


def collecting(folder: Path) -> Story:
    """Root has waited 300 s, and is still at work."""
    story = Story(folder)
    story.world.filesystems["/nix"] = STORE
    story.world.takes = 300
    story.world.answer = lambda a: Result("running" if a == GARBAGE else "done", "its job has not ended")
    story.run(400)
    assert story.world.asked == [(0, GARBAGE)]
    return story


def test_no_generation_is_dropped_while_garbage_is_collected(tmp_path: Path) -> None:
    story = collecting(tmp_path)
    story.world.at(800, lambda: story.engine.ended(GARBAGE, success=False))
    story.run(850)
    assert [(at, a.operation) for at, a in story.world.asked] == [(0, "collect-garbage"), (800, "drop-generations")]


def test_an_end_that_is_never_told_is_waited_for_a_quarter_of_an_hour(tmp_path: Path) -> None:
    story = collecting(tmp_path)
    story.run(1000)
    assert [(at, a.operation) for at, a in story.world.asked] == [(0, "collect-garbage"), (900, "drop-generations")]


def test_a_heald_that_is_started_again_while_garbage_is_collected_waits_for_its_end(tmp_path: Path) -> None:
    before = Story(tmp_path)
    before.world.filesystems["/nix"] = STORE

    def dies(_: Action) -> None:
        raise RuntimeError("the controller died here")

    before.world.begins = dies
    with pytest.raises(RuntimeError, match="died here"):
        before.run(1)
    before.history.close()
    story = Story(tmp_path, World(now=BEGIN + 5, filesystems={"/nix": STORE}))
    story.world.at(400, lambda: story.engine.ended(GARBAGE, success=True))
    story.run(401)
    assert [(at, a.operation) for at, a in story.world.asked] == [(400, "drop-generations")]
