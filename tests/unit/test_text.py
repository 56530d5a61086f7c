"""What strangers wrote is shown to root: whatever is in it, it moves no cursor, begins no line and hides nothing."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from heald.face import story, text
from heald.face.words import COLOUR, PLAIN

BAD = "a\x1b[2J\x1b]0;x\x07\x9b8m\r\n\u202eb\tc\udcff"
AT = "2026-01-01T00:00:00Z"
ISSUE = {"kind": BAD, "subject": BAD, "severity": "high", "detail": BAD, "since": AT, "value": BAD, "threshold": BAD}
ACTION = {"operation": BAD, "target": BAD, "started": AT, "finished": AT, "result": BAD, "detail": BAD}
INCIDENT = {"id": "7", "kind": BAD, "subject": BAD, "severity": "high", "opened": AT, "healed": None, "closed": None,
            "outcome": BAD, "reason": BAD, "next": {"operation": BAD, "target": BAD, "at": AT}, "actions": [ACTION]}
RULE = {"name": BAD, "source": BAD, "kind": BAD, "subject": BAD, "severity": "low", "for": None, "mode": BAD,
        "ladder": [BAD], "why": BAD}
KNOWN = {"health": 38, "mode": "auto", "limits": {}, "issues": [ISSUE], "incidents": [INCIDENT],
         "paused": [{"subject": BAD, "until": AT}]}
WHY = {"incident": INCIDENT, "seen": ISSUE, "ended_by": BAD, "rule": BAD, "hidden": BAD, "changes_left_out": 0,
       "evidence": [{"time": AT, "properties": {"result": BAD}, "journal": [BAD]}],
       "steps": [{"time": AT, "event": BAD, "reason": BAD}], "advice": [{"why": BAD, "command": BAD}],
       "changes": [{"time": AT, "kind": BAD, "what": BAD, "detail": BAD}]}


@pytest.mark.parametrize(("words", "known"), [
    (text.check, KNOWN), (text.healed, KNOWN), (text.status, KNOWN), (text.short, KNOWN), (text.history, KNOWN),
    (text.rules, {"rules": [RULE]}), (text.explained, {**RULE, "rules": [RULE], "rule": BAD}),
    (text.replayed, {"incidents": 1, "changes": [{**INCIDENT, "then": [BAD], "today": [BAD], "rule": BAD}]}),
    (text.event, {**INCIDENT, **ACTION, "time": AT, "event": BAD}), (story.why, WHY),
])
def test_no_text_of_a_strangers_moves_a_cursor(words: Callable[[Any], str], known: dict[str, Any]) -> None:
    shown = words(known)
    ours = "|".join(map(re.escape, (*COLOUR.values(), PLAIN)))
    lines = re.sub(ours, "", shown).split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert len(lines) == len(words(swapped(known)).split("\n"))
    assert "a?[2J" in shown
    assert "c" in shown


def swapped(known: Any) -> Any:
    """The same with a word as long for what is bad."""
    if isinstance(known, dict):
        return {key: swapped(value) for key, value in known.items()}
    if isinstance(known, list):
        return [swapped(value) for value in known]
    return known.replace(BAD, "a" * 20) if isinstance(known, str) else known
