"""What comes over D-Bus, which has no null, is whole again."""

from heald import document
from heald.face import text
from heald.model import Action, Attempt, Category, Incident, Severity


def test_what_d_bus_left_out_is_null_again() -> None:
    attempt = Attempt(Action(Category.SERVICE, "start", "a.service"), 1.0)
    shown = document.incident(Incident(1, "unit-failed", "a.service", Severity.HIGH, 1.0, attempts=(attempt,)), 0.0)
    [action] = shown["actions"]
    over_the_bus = {key: value for key, value in shown.items() if value is not None}
    over_the_bus["actions"] = [{key: value for key, value in action.items() if value is not None}]
    assert document.whole_incident(over_the_bus) == shown
    assert document.whole_issue({"kind": "disk-full"}) == {"id": None, "kind": "disk-full"}
    assert "not finished" in text.history({"incidents": [document.whole_incident(over_the_bus)]})
