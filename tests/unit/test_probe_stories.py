"""probe-failed from the count to the repair. Times are seconds after the beginning."""

from dataclasses import replace
from pathlib import Path

import pytest

from heald.detector import detect, issues
from heald.errors import Code
from heald.model import Action, Result
from heald.readings import Answer, Machine, Snapshot, Unit
from heald.settings import Settings
from unit.world import Story, World


def hung(failures: int | None = 3, **facts: object) -> World:
    """A unit that runs and does not answer."""
    world = World()
    world.units["a.service"] = replace(Unit("a.service"), **facts)  # type: ignore[arg-type]
    world.silent["a.service"] = failures
    return world


def restarts(world: World, answers: int | None) -> None:
    """A restart works, and so many failures are known of the unit after it."""
    def answer(_: Action) -> Result:
        world.silent["a.service"] = answers
        return Result("done")
    world.answer = answer


def test_a_unit_that_does_not_answer_is_restarted(tmp_path: Path) -> None:
    story = Story(tmp_path, hung())
    restarts(story.world, None)
    story.run(10)
    assert [str(action) for _, action in story.world.asked] == ["service/restart a.service"]
    [incident] = story.incidents
    assert (incident.kind, incident.outcome, incident.well) == ("probe-failed", "open", None)
    story.world.silent["a.service"] = 0
    story.run(60)
    assert story.incidents[0].outcome == "healed"
    assert story.world.times == [0]


@pytest.mark.parametrize("failures", [None, 0, 1, 2])
def test_one_that_is_slow_is_not(tmp_path: Path, failures: int | None) -> None:
    assert Story(tmp_path, hung(failures)).run(600).world.asked == []


@pytest.mark.parametrize("facts", [{"active_state": "inactive"}, {"active_state": "failed", "result": "exit-code"},
                                   {"active_state": "activating"}, {"active_state": "deactivating"}, {"job": 3}])
def test_one_that_is_not_active_says_nothing(facts: dict[str, object]) -> None:
    unit = replace(Unit("a.service"), **facts)  # type: ignore[arg-type]
    for failures in (None, 0, 1, 3, 9):
        read = Snapshot(0, Machine(), answers=(Answer(unit, "127.0.0.1:80", failures, "refused"),))
        assert issues(detect(read, Settings(), {})) == ()


def test_what_a_restart_does_not_help_is_given_up_and_tried_ever_less_often(tmp_path: Path) -> None:
    story = Story(tmp_path, hung())
    restarts(story.world, 3)
    story.run(1400)
    assert story.world.times == [0, 30, 150, 450, 1350]
    assert story.incidents[0].outcome == "gave-up"


def test_a_unit_that_failed_meanwhile_is_started_not_restarted(tmp_path: Path) -> None:
    story = Story(tmp_path, hung())
    story.world.answer = lambda _: Result(Code.FAILED)
    story.run(1)
    story.world.answer = None
    story.world.fail("a.service")
    story.world.silent["a.service"] = 5
    story.run(2)
    story.world.silent["a.service"] = None          # it was started
    story.run(60)
    assert [str(action) for _, action in story.world.asked] == ["service/restart a.service", "service/start a.service"]
    by_kind = {incident.kind: incident.outcome for incident in story.incidents}
    assert by_kind == {"probe-failed": "open", "unit-failed": "healed"}


def test_the_worst_probe_of_a_unit_decides() -> None:
    unit = Unit("a.service")
    read = Snapshot(0, Machine(), answers=tuple(Answer(unit, f"127.0.0.1:{n}", count, "refused")
                                                for n, count in ((1, 0), (2, 4), (3, None), (4, 1))))
    [issue] = issues(detect(read, Settings(), {}))
    assert (issue.value, issue.threshold) == (3, 3)
    assert "127.0.0.1:2 fails: refused" in issue.detail
