"""Two looks at an incident become the events between them."""

from typing import Any

import pytest

from heald.face.following import events, line

BARE: dict[str, Any] = {
    "id": "7", "kind": "unit-failed", "subject": "a.service", "severity": "high", "opened": "T0", "healed": None,
    "closed": None, "outcome": "open", "reason": "why", "next": None, "actions": []}
BEGUN: dict[str, Any] = {"operation": "service/start", "target": "a.service", "started": "T1", "finished": None,
                         "result": None, "detail": ""}
ENDED = {**BEGUN, "finished": "T2", "result": "done", "detail": "failed -> active"}
HEALED = {**BARE, "actions": [ENDED], "outcome": "healed", "healed": "T3"}


@pytest.mark.parametrize(("before", "after", "told"), [
    (None, BARE, [("opened", "T0")]),
    (BARE, BARE, []),
    (BARE, {**BARE, "reason": "another"}, []),
    (BARE, {**BARE, "actions": [BEGUN]}, [("began", "T1")]),
    ({**BARE, "actions": [BEGUN]}, {**BARE, "actions": [ENDED]}, [("ended", "T2")]),
    (None, HEALED, [("opened", "T0"), ("began", "T1"), ("ended", "T2"), ("healed", "T3")]),
    (HEALED, {**HEALED, "closed": "T4"}, [("closed", "T4")]),
    (HEALED, {**HEALED, "outcome": "open"}, [("relapsed", None)]),
    (BARE, {**BARE, "outcome": "asked"}, [("asked", None)]),
    ({**BARE, "outcome": "asked"}, {**BARE, "outcome": "cleared", "closed": "T4"},
     [("cleared", None), ("closed", "T4")]),
])
def test_events(before: dict[str, Any] | None, after: dict[str, Any], told: list[tuple[str, str]]) -> None:
    assert [(event["event"], event["time"]) for event in events(before, after)] == told


def test_an_event_is_one_line() -> None:
    stamps = {"opened": "2026-01-01T00:00:00Z", "healed": "2026-01-01T00:00:03Z"}
    action = {**ENDED, "started": "2026-01-01T00:00:01Z", "finished": "2026-01-01T00:00:02Z"}
    found = list(events(None, {**HEALED, **stamps, "actions": [action]}))
    for event in (*found, {"time": stamps["opened"], "event": "gone", "id": None}):
        assert "\n" not in line(event, as_json=False)
        assert "\n" not in line(event, as_json=True)
    assert line(found[2], as_json=False).endswith("ended: service/start a.service: done: failed -> active")
