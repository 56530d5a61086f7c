"""What heald does about units that fail while a disk is full. Times are seconds after the first failure."""

from dataclasses import replace
from pathlib import Path

from heald.errors import Code
from heald.model import Action, Mode, Result
from heald.readings import FileSystem
from heald.settings import Rule, Settings
from unit.world import BEGIN, Story

GIB = 1 << 30
FULL = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 98 * GIB, 2 * GIB)
EMPTY = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 10 * GIB, 90 * GIB)

CLEANERS = 3        # on the ladder of a full disk


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
