"""`healctl why`: what it says of a story, in data and in words of 80 columns."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heald import document
from heald.errors import Code, HealdError
from heald.face import story as words
from heald.face import why
from heald.face.advice import LOOK, STOOD_BACK, advice
from heald.kinds import TABLE
from heald.model import Action, Attempt, Category, Incident, Result, Severity
from heald.stories import Change, Evidence, Findings, Story

START = Action(Category.SERVICE, "start", "shop.service")
NOW = 1_800_000_000.0
INCIDENT = Incident(
    12, "unit-failed", "shop.service", Severity.HIGH, NOW, outcome="open", reason="1 repair so far; the next is later",
    attempts=(Attempt(START, NOW + 1, NOW + 3, Result("done", "failed -> active (success)")),), next=(START, NOW + 30))
STORY = Story(
    (NOW, "failed", "failed", "shop.service is failed (signal)"),
    ((12, NOW, "opened", "shop.service is failed (signal)"),
     (12, NOW + 1, "decided", 'rule "service": service/start shop.service'), (12, NOW + 9, "relapsed", "it fell")),
    (Evidence(NOW, {"result": "signal", "exec_main_status": 9, "n_restarts": 0, "invocation": "ab"}, ("x " * 90,)),),
    Findings("a crash of its own: SIGSEGV in /usr/bin/shop; coredumpctl info 47 tells more",
             (Change(NOW - 5, "file", "/etc/shop.conf", "was written"), Change(NOW - 9, "generation", "7", "made")), 4))


def told(incident: Incident = INCIDENT, story: Story = STORY) -> dict[str, Any]:
    return why.told(document.incident(incident, 0.0), story)


def shown(known: dict[str, Any]) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", words.why(known))


def test_the_story_in_words() -> None:
    text = shown(told())
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "incident 12: unit-failed shop.service", "What happened", "What was changed in the day before it began",
        next(line for line in lines if line.startswith("The unit's journal, as it was at ")), "What to do next"]
    flat = " ".join(text.split())
    for part in ("high, open", "systemd result signal, exec_main_status 9 ended", "rule service", "read failed since",
                 "next service/start shop.service at ", "service/start shop.service: done in 2s: failed -> active",
                 "relapsed: it fell", "file /etc/shop.conf: was written", "and 4 more"):
        assert part in flat
    order = [text.index(word) for word in ("opened: ", "decided: ", ": done in", "relapsed: ")]
    assert order == sorted(order)


def test_a_number_is_shown_beside_its_threshold() -> None:
    full = replace(STORY, seen=(NOW, 97.25, 90, "/ is 97 % full"))
    assert "read 97.25; the threshold is 90 since" in " ".join(shown(told(story=full)).split())


def test_what_strangers_wrote_moves_no_cursor() -> None:
    sly = Evidence(NOW, {}, ("one\x1b[2J\ttwo\x07",))
    text = words.why(told(story=replace(STORY, evidence=(sly,))))
    assert "  one?[2J two?\n" in text


def test_the_rule_is_the_one_that_was_named_last() -> None:
    assert told()["rule"] == "service"
    assert told(replace(INCIDENT, reason='rule "careful" asks before it'))["rule"] == "careful"
    assert told(story=Story())["rule"] is None


def test_of_an_older_heald_s_incident_there_is_what_there_is() -> None:
    known = told(replace(INCIDENT, closed=NOW + 9, outcome="healed", healed=NOW + 2), Story())
    assert (known["seen"], known["steps"], known["ended_by"], known["advice"]) == (None, [], None, [])
    text = shown(known)
    assert "What was changed" not in text
    assert "nothing: it is well again" in text


def commands(**facts: object) -> list[str]:
    return [one["command"] for one in advice(told(replace(INCIDENT, **facts)))]  # type: ignore[arg-type]


def test_what_to_do_next_is_a_command() -> None:
    assert commands(outcome="healed") == commands(outcome="cleared") == commands(closed=NOW) == []
    assert commands()[:3] == ["healctl heal 12", "coredumpctl info 47", "nixos-rebuild list-generations"]
    assert commands(outcome="asked")[0] == "healctl heal 12"
    assert commands(outcome="gave-up", next=None)[-1] == "systemctl start shop.service"
    assert commands(outcome="stood-back", reason="masked: it is") == ["systemctl unmask shop.service"]
    assert commands(outcome="stood-back", reason="boot: it starts") == []
    assert commands(outcome="stood-back", reason="fleet: 37 %") == ["healctl heal 12"]
    full = replace(INCIDENT, kind="disk-full", subject="/a b", outcome="gave-up", next=None)
    assert [one["command"] for one in advice(told(full, Story()))] == ["du -xh --max-depth=2 '/a b' | sort -h | tail"]


def test_the_table_of_reasons_has_the_words_that_standing_back_has() -> None:
    source = "".join(Path(why.__file__).parents[1].joinpath(name).read_text() for name in ("standback.py", "fleet.py"))
    assert [word for word in STOOD_BACK if f'"{word}: ' not in source] == []
    assert set(LOOK) < set(TABLE)


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "٣", "1" * 19, "1; drop"])
def test_what_is_no_number_is_told(number: str) -> None:
    with pytest.raises(HealdError, match="healctl history") as error:
        why.why(number)
    assert error.value.code is Code.INVALID_ARGS


def test_without_a_history_there_is_nothing_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heald.paths.DAEMON_HISTORY", tmp_path / "none.db")
    with pytest.raises(HealdError, match="nothing has happened yet"):
        why.why("")
    with pytest.raises(HealdError, match="there is no incident 7"):
        why.why("7")
