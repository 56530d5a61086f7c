"""What holds whatever happens: random failures, causes, disks, answers and waits, for hours, by hypothesis."""

import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from heald.errors import Code
from heald.model import Action, Result
from heald.readings import FileSystem, Unit
from heald.resolver import HOUR
from heald.settings import Limits
from unit.world import Story

GIB = 1 << 30
NAMES = tuple(f"u{n}.service" for n in range(14))
LIMITS = Limits()
ANSWERS = (None, Code.FAILED, Code.BUSY, Code.LIMITS_EXCEEDED, Code.UNREACHABLE, Code.PROTECTED, Code.HEALTHY,
           Code.TIMEOUT)
HOURS = 2
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None      # thousands of small writes: no disk is needed for them


@dataclass(frozen=True)
class Tale:
    """Who requires whom (only ones before it), what happens when, and what root answers in turn."""

    requires: tuple[tuple[int, int], ...]
    events: tuple[tuple[float, str, int], ...]
    answers: tuple[Code | None, ...]
    lasts: tuple[float, ...]
    takes: float


tales = st.builds(
    Tale,
    requires=st.just(()) | st.lists(
        st.tuples(st.integers(1, 13), st.integers(0, 12)), min_size=8, max_size=20).map(tuple),
    events=st.lists(st.tuples(
        st.floats(0, 60) | st.floats(0, 900) | st.floats(0, HOURS * HOUR),
        st.sampled_from((*("fail",) * 6, "fall", "start", "full", "empty", "job")),
        st.integers(0, 13)), min_size=20, max_size=60).map(tuple),
    answers=st.lists(st.sampled_from(ANSWERS), max_size=12).map(tuple),
    lasts=st.lists(st.floats(0.1, 2000), max_size=6).map(tuple),
    takes=st.sampled_from((0.0, 0.3, 7.0, 19.0)),
)
often = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True,
                 database=None, phases=(Phase.explicit, Phase.generate))


def lived(tale: Tale, folder: str) -> Story:
    """One tale; its world itself objects to two actions on one target at once, and to one before its cause."""
    story = Story(Path(folder))
    world = story.world
    world.takes = tale.takes
    needs: dict[str, set[str]] = {name: set() for name in NAMES}
    for one, other in tale.requires:
        if other < one:
            needs[NAMES[one]].add(NAMES[other])
    for name in NAMES:
        world.add(name, requires=tuple(sorted(needs[name])),
                  dependents=tuple(n for n in NAMES if name in needs[n]), active_exit=1)
    for name, seconds in zip(NAMES, tale.lasts, strict=False):
        world.lasts[name] = seconds
    for at, what, n in tale.events:
        happen(story, at, what, NAMES[n])
    left = list(tale.answers)

    def begins(action: Action) -> None:
        ill = [name for name in needs.get(action.target, ()) if world.units[name].active_state == "failed"]
        assert not ill, f"{action.target} before {ill}"

    def answer(action: Action) -> Result:
        code = left.pop() if left else None
        if code is not None:
            return Result(code)
        if action.target and world.units[action.target].active_state != "active":
            world.start(action.target)
        return Result("done")
    world.begins, world.answer = begins, answer
    return story.run(HOURS * HOUR)


def happen(story: Story, at: float, what: str, name: str) -> None:
    world = story.world
    full = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 98 * GIB, 2 * GIB)

    def now() -> None:
        match what:
            case "fail":
                world.fail(name)
            case "fall" if world.units[name].active_state == "active":
                world.fall(name)
            case "start" if world.units[name].active_state != "active":
                world.start(name)
            case "full":
                world.filesystems["/"] = full
            case "empty":
                world.filesystems.clear()
            case "job" if world.tell_job:
                world.tell_job(name, "done")
    world.at(at, now)


@often
@given(tales)
def test_never_more_than_the_limits_nor_faster_than_the_pace(tale: Tale) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        story = lived(tale, folder)
        known = story.history.known.values()
        begun = [(i.id, a.started) for i in known for a in i.attempts
                 if a.started >= i.opened and a.result and a.result.begun]
        for _, end in begun:
            assert len({n for n, at in begun if at <= end < at + HOUR}) <= LIMITS.incidents_per_hour
        if tale.requires or any(what == "full" for _, what, _ in tale.events):
            return                      # causes that clear give an early try
        for incident in known:
            starts = [a.started for a in incident.attempts if a.result and a.result.begun]
            for count, (one, other) in enumerate(pairwise(starts), 1):
                assert other - one >= LIMITS.pacing[min(count, len(LIMITS.pacing) - 1)] - 0.001


@often
@given(tales)
def test_a_subject_not_yet_touched_is_not_starved(tale: Tale) -> None:
    """At the end one more fails: it has its repair, however much was done in the hour before."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        story = lived(tale, folder)
        world = story.world
        touched = {i.id for i in story.history.known.values() if any(a.started > world.now - HOUR for a in i.attempts)}
        world.answer, world.filesystems = None, {}
        world.units["new.service"] = Unit("new.service", service_type="simple")
        world.fail("new.service")
        story.run(HOURS * HOUR + 2 * HOUR)
        assert "new.service" in world.targets
        if len(touched) < LIMITS.kept_for_new:
            when = next(at for at, a in world.asked if a.target == "new.service")
            assert when <= HOURS * HOUR + 120


@often
@given(tales, st.integers(-10**9, 10**9))
def test_a_jump_of_the_wall_clock_changes_nothing(tale: Tale, jump: int) -> None:
    """What is decided depends on CLOCK_BOOTTIME alone: the wall clock is read for the file, not for a decision."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as one, tempfile.TemporaryDirectory(dir=MEMORY) as two:
        plain = lived(tale, one).world.asked
        real = time.time
        with pytest.MonkeyPatch.context() as patch:
            calls = iter(range(10**9))
            patch.setattr("time.time", lambda: real() + (jump if next(calls) % 3 else -jump))
            assert lived(tale, two).world.asked == plain
