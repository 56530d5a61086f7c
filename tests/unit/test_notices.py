"""What a person is told on their desktop, in which words, and when it is too much."""

from itertools import pairwise
from typing import Any

import pytest

from heald import kinds, model, notices
from heald.model import Action, Category
from heald.notices import AT_ONCE, GAP, MORE, PUT_OFF, Notice, Presenter

START = {"operation": "service/start", "target": "shop.service", "at": "2026-01-01T00:00:00.000Z"}
TRY = {"operation": "service/start", "target": "shop.service", "started": "x", "finished": "y", "result": "done",
       "detail": "failed -> failed"}
KEY = ("system", "1")
ISSUE = {"kind": "unit-failed", "subject": "shop.service"}


def incident(number: str = "1", outcome: str = "asked", **more: Any) -> dict[str, Any]:
    return {"id": number, "kind": "unit-failed", "subject": "shop.service", "severity": "high", "opened": "x",
            "healed": None, "closed": None, "outcome": outcome, "reason": "why", "actions": [],
            "next": START if outcome in {"asked", "gave-up"} else None, **more}


def healed(number: str = "1") -> dict[str, Any]:
    return incident(number, "healed", actions=[TRY], healed="x")


def look(presenter: Presenter, *incidents: dict[str, Any], now: float = 0.0, ill: bool = True, shown: bool = True
         ) -> dict[tuple[str, str], Notice | None]:
    """One look, in which all that was planned is shown."""
    planned = presenter.plan("system", incidents, [ISSUE] if ill else [], now)
    for key, one in planned.items():
        if shown:
            presenter.told(key, one, now)
    return planned


def begun() -> Presenter:
    presenter = Presenter()
    look(presenter)
    return presenter


def test_every_kind_and_every_operation_has_words() -> None:
    assert set(notices.KINDS) == set(kinds.TABLE)
    assert set(notices.OPERATIONS) == {f"{c}/{o}" for c, all_ in model.OPERATIONS.items() for o in all_}


def test_a_question_offers_the_repair_and_says_what_it_would_be() -> None:
    one = notices.notice("system", incident(), ill=True)
    assert one == Notice("shop.service has failed", "heald can start it, and asks you first.", 1,
                         Action(Category.SERVICE, "start", "shop.service"), "healctl heal 1")
    assert [words for _, words in one.buttons] == ["Repair now", "Not now", "Details"]
    assert notices.plain(one).splitlines()[-1] == "To repair it, type: healctl heal 1"


def test_nobody_is_told_to_type_what_the_daemon_made_up() -> None:
    one = notices.notice("system", incident("1; reboot"), ill=True)
    assert one is not None
    assert one.command == ""


def test_what_others_wrote_is_one_line_and_not_too_long() -> None:
    one = notices.notice("system", incident(outcome="refused", subject="a\nb", reason="long " * 1000), ill=True)
    assert one is not None
    assert one.summary == "a b has failed"
    assert "\n" not in one.body
    assert len(one.body) < 400


def test_of_one_s_own_unit_the_command_is_systemctl_s() -> None:
    one = notices.notice("own", incident(), ill=True)
    assert one is not None
    assert one.command == "systemctl --user start shop.service"


@pytest.mark.parametrize(("outcome", "actions", "words"), [
    ("gave-up", [], "heald gave up. You can have it start it once more."),
    ("gave-up", [TRY] * 3, "heald gave up after 3 tries. You can have it start it once more."),
    ("refused", [TRY], "heald may not repair it: why"),
])
def test_what_heald_cannot_do_is_told(outcome: str, actions: list[Any], words: str) -> None:
    one = notices.notice("system", incident(outcome=outcome, actions=actions), ill=True)
    assert one is not None
    assert one.body == words


def test_what_heald_never_touches_of_one_s_own_is_no_news() -> None:
    """An application that crashed, say: its desktop tells of it."""
    assert notices.notice("own", incident(outcome="refused"), ill=True) is None


@pytest.mark.parametrize("outcome", ["open", "observed", "stood-back", "cleared"])
def test_what_heald_only_watches_it_keeps_to_itself(outcome: str) -> None:
    assert notices.notice("system", incident(outcome=outcome), ill=True) is None


def test_one_notice_for_an_incident_told_once_and_changed_in_its_place() -> None:
    presenter = begun()
    assert list(look(presenter, incident())) == [KEY]
    assert look(presenter, incident(), now=1.0) == {}
    told = look(presenter, healed(), now=2.0, ill=False)[KEY]
    assert told == Notice("shop.service was repaired", "heald did service/start: failed -> failed", 0)
    assert told.buttons == ()


def test_what_was_not_shown_is_planned_again() -> None:
    presenter = begun()
    assert look(presenter, incident(), shown=False)
    assert look(presenter, incident())


def test_what_had_ended_before_the_first_look_is_no_news_but_a_question_is() -> None:
    assert list(look(Presenter(), healed("1"), incident("2"))) == [("system", "2")]


def test_a_question_that_is_answered_elsewhere_goes_away() -> None:
    presenter = begun()
    look(presenter, incident())
    assert look(presenter, incident(outcome="cleared"), now=1.0, ill=False) == {KEY: None}
    assert look(presenter, now=2.0) == {}


def test_an_incident_that_is_forgotten_leaves_the_screen() -> None:
    presenter = begun()
    look(presenter, incident())
    assert look(presenter, now=1.0) == {KEY: None}


def test_changes_of_one_incident_are_told_slower_and_slower() -> None:
    presenter = begun()
    times: list[float] = []
    now = 0.0
    while len(times) < 6:
        times += [now] if look(presenter, incident(reason=str(now), outcome="refused"), now=now) else []
        now += 1.0
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == [1.0, GAP, 2 * GAP, 4 * GAP, 8 * GAP]


def test_when_it_is_too_early_it_says_when_to_look_again() -> None:
    presenter = begun()
    for now, outcome in enumerate(("asked", "refused", "gave-up")):
        look(presenter, incident(outcome=outcome), now=float(now))
    assert presenter.due == 1.0 + GAP
    assert look(presenter, incident(outcome="gave-up"), now=1.0 + GAP)


def test_not_now_holds_for_an_hour_then_for_two_and_of_its_end_nothing_is_told() -> None:
    presenter = begun()
    look(presenter, incident())
    presenter.put_off(KEY, 10.0)
    assert look(presenter, incident(), now=10.0 + PUT_OFF - 1) == {}
    assert presenter.due == 10.0 + PUT_OFF
    assert look(presenter, incident(), now=10.0 + PUT_OFF)
    presenter.put_off(KEY, 20.0 + PUT_OFF)
    assert look(presenter, incident(), now=20.0 + 3 * PUT_OFF - 1) == {}
    assert look(presenter, healed(), now=20.0 + 4 * PUT_OFF, ill=False) == {}


def test_many_at_once_are_counted_and_not_shown() -> None:
    presenter = begun()
    many = [incident(str(number)) for number in range(1, 9)] + [incident("9", severity="critical")]
    shown = look(presenter, *many)
    assert list(shown) == [("system", "1"), ("system", "2"), ("system", "9"), (MORE, "system")]
    assert len(shown) == AT_ONCE + 1
    assert shown[MORE, "system"] == Notice("6 more incidents", "To see all, type: healctl status", 1)
    assert look(presenter, *many, now=1.0) == {}


def test_an_empty_screen_is_filled_again_with_what_asks() -> None:
    presenter = begun()
    look(presenter, incident("1"), healed("2"))
    presenter.forget()
    assert list(look(presenter, incident("1"), healed("2"), now=1.0)) == [KEY]


def test_details_are_what_was_done_and_where_the_story_is() -> None:
    shown = notices.notice("system", incident(), ill=True)
    assert shown is not None
    assert notices.detailed(shown, "system", incident(actions=[TRY])).body.splitlines() == [
        "why", "service/start shop.service: done, failed -> failed", "The whole story: healctl why 1",
        "To repair it, type: healctl heal 1"]


def test_a_unit_that_failed_again_at_once_was_not_repaired() -> None:
    shown = notices.notice("system", incident(), ill=True)
    assert shown is not None
    told = notices.answered(shown, "shop.service", "done", "failed -> failed (done)")
    assert told.summary == "shop.service was not repaired"
    assert told.body.startswith("You had heald start it: failed -> failed (done)")


@pytest.mark.parametrize(("state", "summary", "buttons"), [
    ("done", "shop.service was repaired", False), ("running", "shop.service is being repaired", False),
    ("unchanged", "shop.service was not repaired", True),
    ("Healthy", "shop.service is well already", False),
    ("AccessDenied", "shop.service was not repaired", True), ("Failed", "shop.service was not repaired", True),
    ("InteractiveAuthorizationRequired", "shop.service was not repaired", True),
])
def test_a_click_is_answered(state: str, summary: str, buttons: bool) -> None:
    shown = notices.notice("system", incident(), ill=True)
    assert shown is not None
    told = notices.answered(shown, "shop.service", state, "systemd says no")
    assert told.summary == summary
    assert bool(told.buttons) is buttons
    assert ("type: healctl heal 1" in told.body) is buttons
    assert told.repair is None
