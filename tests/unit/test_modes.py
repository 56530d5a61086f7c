"""observe, ask and auto, by the clock. Times are seconds after the failure."""

from dataclasses import replace
from pathlib import Path

import pytest

from heald import document
from heald.face import text
from heald.model import Mode
from heald.resolver import ASKED
from heald.settings import BUILT_IN, Rule, Settings
from unit.world import BEGIN, Story

LADDER = BUILT_IN[0].ladder
ASKS = Settings(rules=(Rule("careful", "unit-failed", mode=Mode.ASK, ladder=LADDER), *BUILT_IN))


@pytest.mark.parametrize(("settings", "reason"), [
    (Settings(mode=Mode.OBSERVE), 'mode observe: rule "service" only observes; it would do service/start a.service'),
    (replace(ASKS, rules=(Rule("shy", "*", mode=Mode.OBSERVE, ladder=LADDER),)),
     'rule "shy" only observes; it would do service/start a.service'),
])
def test_in_observe_history_says_what_would_have_been_done(tmp_path: Path, settings: Settings, reason: str) -> None:
    story = Story(tmp_path, settings=settings)
    story.world.fail("a.service")
    story.run(7200)
    assert story.world.asked == []
    [incident] = story.incidents
    assert (incident.outcome, incident.reason, incident.next) == ("observed", reason, None)


@pytest.mark.parametrize("settings", [ASKS, Settings(mode=Mode.ASK)])
def test_an_ask_waits_for_a_day_and_is_not_asked_again(tmp_path: Path, settings: Settings) -> None:
    story = Story(tmp_path, settings=settings)
    story.world.fail("a.service")
    story.run(ASKED - 60)
    [incident] = story.incidents
    assert incident.outcome == "asked"
    assert incident.next is not None
    assert (str(incident.next[0]), incident.next[1]) == ("service/start a.service", BEGIN + ASKED)
    story.run(3 * ASKED)
    [incident] = story.incidents
    assert (incident.outcome, incident.next) == ("gave-up", None)
    assert "nobody did it" in incident.reason
    assert story.world.asked == []
    assert len([line for _, line in story.world.said if "asks before" in line]) == 1


def test_an_ask_ends_when_the_issue_clears(tmp_path: Path) -> None:
    story = Story(tmp_path, settings=ASKS)
    story.world.fail("a.service")
    story.run(60)
    story.world.start("a.service")              # the person did
    story.run(120)
    [incident] = story.incidents
    assert (incident.outcome, incident.next, incident.closed is None) == ("cleared", None, False)
    assert incident.reason.endswith('; before: rule "careful" asks before service/start a.service')


def test_a_question_outlives_a_restart_of_the_daemon(tmp_path: Path) -> None:
    story = Story(tmp_path, settings=ASKS)
    story.world.fail("a.service")
    story.run(60)
    story.history.close()
    again = Story(tmp_path, story.world, ASKS)
    again.run(120)
    [incident] = again.incidents
    assert incident.outcome == "asked"
    assert incident.next is not None
    assert incident.next[1] == pytest.approx(BEGIN + ASKED, abs=1)


def test_each_question_names_the_command_that_answers_it(tmp_path: Path) -> None:
    story = Story(tmp_path, settings=ASKS)
    story.world.fail("a.service")
    [asked] = [document.incident(incident, 0.0) for incident in story.run(60).incidents]
    known = {"health": 100, "issues": [], "mode": "auto", "limits": {}, "paused": [], "incidents": [asked]}
    assert f"to have it done: healctl heal {asked['id']} (until " in text.status(known)
    assert "to have it done: healctl heal --yes\n" in text.healed({"issues": [], "incidents": [asked]})
