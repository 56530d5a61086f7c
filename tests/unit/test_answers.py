"""What heald makes of the helper's answers, and of answers that never came. Times are seconds after the failure."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from heald.errors import Code, HealdError
from heald.history import History
from heald.model import Action, Result
from heald.readings import Part, PathMode, Snapshot
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
        (0, "start"), (30, "start"), (150, "start"), (450, "start"), (750, "start"),
    ]


def test_a_helper_that_was_out_of_reach_costs_no_pacing_and_no_share_of_the_hour(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.answer = lambda _: Result(Code.UNREACHABLE, "Unit heald-helper.service is masked.")
    story.world.fail("a.service")
    story.world.at(500, lambda: setattr(story.world, "answer", None))
    story.run(1000)
    assert story.world.times == [0, 30, 150, 450, 750]
    assert story.incidents[0].outcome == "healed"
    assert story.engine.left["incidents_left"] == 9


def test_what_was_refused_is_asked_again_by_the_next_daemon(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.answer = lambda _: Result(Code.PROTECTED, "protected in helper.toml")
    story.world.fail("a.service")
    story.run(10)
    assert story.incidents[0].outcome == "refused"
    story.history.close()
    story.world.answer = None
    again = Story(tmp_path, story.world)
    again.run(40)
    assert again.incidents[0].outcome == "healed"


def test_a_helper_that_does_not_say_what_it_can_holds_up_nothing(tmp_path: Path) -> None:
    class Silent(World):
        async def operations(self) -> frozenset[str]:
            await asyncio.sleep(3600)
            return frozenset()

    story = Story(tmp_path, Silent())
    story.world.fail("a.service")
    story.run(5)
    assert story.incidents[0].outcome == "healed"


def test_what_has_no_event_is_read_in_time_also_while_a_unit_flaps(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for second in range(1, 100):
        story.world.at(second, lambda: story.engine.wake(Part.UNITS))
    story.world.at(5, lambda: story.world.paths.update({"/tmp": PathMode("/tmp", 0o755, 0, 0)}))
    story.run(100)
    assert story.world.times[0] <= 31


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


def test_how_long_it_could_not_look_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_self: World, _parts: frozenset[Part], _units: Iterable[str]) -> Snapshot:
        raise HealdError(Code.TIMEOUT, "systemd does not answer")
    story = Story(tmp_path).run(100)
    assert story.engine.behind == 0
    with monkeypatch.context() as patch:
        patch.setattr(World, "read", silent)
        story.run(190)
    assert 60 <= story.engine.behind <= 70
    story.run(200)
    assert story.engine.behind == 0
