"""What heald makes of the helper's answers, and of answers that never came. Times are seconds after the failure."""

from pathlib import Path

import pytest

from heald.errors import Code
from heald.history import History
from heald.model import Action, Result
from unit.world import BEGIN, Story, World


def test_a_failed_action_goes_to_the_next_rung(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.answer = lambda _: Result(Code.FAILED, "exit-code")
    story.world.fail("a.service")
    story.run(100)
    assert [(round(at), a.operation) for at, a in story.world.asked] == [(0, "start"), (30, "repair")]


@pytest.mark.parametrize("code", [Code.PROTECTED, Code.ACCESS_DENIED])
def test_refused_is_said_once_and_not_asked_again(tmp_path: Path, code: Code) -> None:
    story = Story(tmp_path)
    story.world.answer = lambda _: Result(code, "no")
    story.world.fail("a.service")
    story.run(7200)
    assert story.world.times == [0]
    assert story.incidents[0].outcome == "refused"
    assert len([line for _, line in story.world.said if "refused: " in line]) == 1


def test_not_supported_skips_the_rung_at_no_cost(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.answer = lambda a: Result(Code.NOT_SUPPORTED if a.operation == "start" else Code.FAILED)
    story.world.fail("a.service")
    story.run(29)
    assert [(round(at), a.operation) for at, a in story.world.asked] == [(0, "start"), (0, "repair")]


def test_busy_is_asked_again_in_five_seconds_and_takes_no_rung(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.answer = lambda _: Result(Code.BUSY, "busy")
    story.world.fail("a.service")
    story.run(12)
    assert [(round(at), a.operation) for at, a in story.world.asked] == [(0, "start"), (5, "start"), (10, "start")]


def test_a_helper_out_of_reach_is_asked_at_growing_waits_and_takes_no_rung(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.answer = lambda _: Result(Code.UNREACHABLE, "no such service")
    story.world.fail("a.service")
    story.run(1000)
    assert [(round(at), a.operation) for at, a in story.world.asked] == [
        (0, "start"), (30, "start"), (150, "start"), (450, "start"),
    ]


def test_a_crash_between_begin_and_end_is_visible_and_not_repeated_blindly(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.fail("a.service")
    before = story.history

    async def dies(action: Action, *, wait: int = 20) -> Result:
        raise RuntimeError("the controller died here")

    story.world.heal = dies  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="died here"):
        story.run(1)
    before.close()
    world = World()
    world.now = BEGIN + 5
    world.units = dict(story.world.units)
    again = Story(tmp_path, world)
    (incident,) = again.incidents
    assert incident.attempts[0].finished is None
    again.run(10)
    assert "was not seen" in again.incidents[0].reason
    assert world.times == []
    again.run(40)
    assert [a.operation for _, a in world.asked] == ["repair"]


def test_an_incident_of_an_earlier_boot_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(tmp_path)
    story.world.fail("a.service", job=3)
    story.run(5)
    story.history.close()
    monkeypatch.setattr("heald.clock.boot_id", lambda: "another")
    history = History(tmp_path / "history.db", lambda _: None)
    assert all(i.closed is not None for i in history.known.values())
