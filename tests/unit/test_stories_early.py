"""A cause that is well gives what came of it one early try, and no more. Times are seconds after the first failure."""

from dataclasses import replace
from pathlib import Path

import pytest

from heald.errors import Code
from heald.model import Action, Result
from heald.readings import FileSystem, Unit
from unit.world import BEGIN, Story

GIB = 1 << 30
FULL = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 98 * GIB, 2 * GIB)


def restarted(story: Story, before: Unit) -> None:
    """systemd has started it again, as Restart= says."""
    story.world.units[before.name] = replace(before, n_restarts=1)
    story.world.since[before.name] = story.world.now


def test_a_disk_that_was_critical_and_is_still_full_lets_a_unit_that_dies_be_paced(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.filesystems["/"] = FULL
    world.lasts["a.service"] = 2
    world.at(60, lambda: world.filesystems.update({"/": replace(FULL, used=95 * GIB, available=5 * GIB)}))
    world.at(100, lambda: world.fail("a.service"))
    story.run(400)
    assert [at - 100 for at, a in world.asked if a.target] == [0, 30, 150]


@pytest.mark.parametrize(("failed", "times"), [(True, [1, 1, 31, 151]), (False, [1, 31, 151])])
def test_what_does_not_come_up_after_its_cause_came_back_is_tried_once_and_paced(
    tmp_path: Path, failed: bool, times: list[float]
) -> None:
    """A condition keeps systemd from it, or its start fails, which is another issue: a cause that is up clears once."""
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "a.service")
    gone = replace(world.units["db.service"], active_exit=int(BEGIN * 1e6))
    world.units["db.service"] = replace(gone, active_state="activating", sub_state="auto-restart")
    world.fall("a.service")

    def answer(action: Action) -> Result:
        if not failed:
            return Result("unchanged")
        world.fail(action.target, active_exit=world.units[action.target].active_exit)
        return Result(Code.FAILED)
    world.answer = answer
    world.at(1, lambda: restarted(story, gone))
    story.run(200)
    assert world.times == times


def test_in_a_chain_whose_end_stays_ill_the_others_are_paced(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.chain("disk.mount", "db.service", "app.service")
    world.fail("disk.mount")
    world.fail("db.service")
    story.run(1)
    world.answer = lambda a: Result(Code.FAILED) if a.target == "disk.mount" else world.up(a)
    world.lasts["app.service"] = 2
    world.fail("disk.mount")
    world.at(100, lambda: world.fail("app.service"))
    story.run(400)
    assert [at - 100 for at, a in world.asked if a.target == "app.service"] == [0, 30, 150]
