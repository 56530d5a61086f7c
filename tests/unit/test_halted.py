"""A person's stop that leaves no trace in systemd is seen while it happens, and outlives a restart of heald."""

from dataclasses import replace
from pathlib import Path

import pytest

from heald.errors import Code
from heald.model import Result
from unit.world import Story


def test_a_stop_of_what_has_failed_already(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.answer = lambda _: Result(Code.FAILED)
    world.fail("a.service")
    story.run(100)
    assert world.tell_job is not None
    world.tell_job("a.service", "done")
    story.run(2000)
    assert world.times == [0, 30]
    assert story.incidents[0].reason.startswith("stopped: ")
    story.history.close()
    again = Story(tmp_path, world)
    again.run(3000)
    assert again.incidents[0].reason.startswith("stopped: ")
    world.units["a.service"] = replace(world.units["a.service"], files=9e9)     # a change is not a start
    again.run(4000)
    assert world.times == [0, 30]
    world.at(4001, lambda: world.start("a.service"))
    world.at(4100, lambda: world.fail("a.service"))
    again.run(4101)
    assert world.times == [0, 30, 4100]


@pytest.mark.parametrize(("unit", "result", "packages"), [
    ("a.service", "failed", ""), ("a.service", "canceled", ""), ("b.service", "done", ""), ("a.service", "done", "apt"),
])
def test_jobs_that_are_no_stop(tmp_path: Path, unit: str, result: str, packages: str) -> None:
    """A package manager's own try-restart of what has failed is a job too, and does nothing."""
    story = Story(tmp_path)
    world = story.world
    world.answer = lambda _: Result(Code.FAILED)
    world.fail("a.service")
    story.run(10)
    world.machine = replace(world.machine, packages=packages)
    assert world.tell_job is not None
    world.tell_job(unit, result)
    story.run(20)
    world.machine = replace(world.machine, packages="")
    story.run(70)
    assert len(world.times) == 2


def test_a_job_after_which_it_failed_anew_is_no_stop(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.answer = lambda _: Result(Code.FAILED)
    world.fail("a.service")
    story.run(10)
    world.fail("a.service", invocation="other")
    assert world.tell_job is not None
    world.tell_job("a.service", "done")
    story.run(40)
    assert world.times == [0, 30]


def test_jobs_are_followed_only_while_an_incident_is_open(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.run(10)
    assert story.world.tell_job is None
    story.world.fail("a.service")
    story.run(50)
    assert story.world.tell_job is not None
    story.run(1000)
    assert story.world.tell_job is None


def test_a_clean_end_of_what_heald_started(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.fail("a.service")
    world.at(20, lambda: world.units.update({"a.service": replace(
        world.units["a.service"], active_state="inactive", sub_state="dead", active_exit=1, main_exit=2)}))
    story.run(50)
    assert story.incidents[0].halted


def test_a_fall_with_its_cause_is_none(tmp_path: Path) -> None:
    """heald started it, later its cause fails: systemd stops it, and it is started after the cause again."""
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "a.service")
    world.fail("a.service")
    world.at(60, lambda: world.fail("db.service"))
    world.at(60, lambda: world.fall("a.service"))
    story.run(100)
    assert [(at, a.target) for at, a in world.asked] == [(0, "a.service"), (60, "db.service"), (60, "a.service")]
