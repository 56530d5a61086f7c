"""Who may: polkit's yes and everything that is not a yes, and callers that go away while it is asked."""

import pytest
from dbus_next.signature import Variant

from bus.caller import HELPER, Caller
from bus.private import ALICE, Stage

CHECK = ("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})")
CANCEL = ("CancelCheckAuthorization", "s", "",
          "for answer, _ in self.hanging_calls: answer((False, False, {}))\nself.hanging_calls = []")


@pytest.fixture
def alice(stage: Stage) -> Caller:
    """A person, and a unit that is ill."""
    stage.unit("ill.service")
    return stage.as_user(ALICE)


def hang(stage: Stage) -> None:
    """polkit asks a person who does not answer; as the real one it ends a check that is cancelled with a no."""
    stage.polkit(*CANCEL)
    stage.polkit_hangs(hangs=True)


def test_yes_heals_and_everyone_hears_of_it(stage: Stage, alice: Caller) -> None:
    stage.root.bus("AddMatch", "s", f"type='signal',sender='{HELPER}'")
    assert alice.start("ill.service").report == {
        "state": "done", "unit": "ill.service", "result": "success", "before": "failed", "after": "active"}
    assert stage.asked("ResetFailedUnit") == []        # a start that systemd refuses must leave it failed
    assert stage.asked("StartUnit") == [["ill.service", "fail"]]
    stage.until(lambda: bool(stage.root.heard), "Finished was sent")
    assert stage.root.heard[-1].member == "Finished"
    assert stage.root.heard[-1].body == ["service", "start", "ill.service", True, "success"]


@pytest.mark.parametrize(("method", "operation", "target", "unit", "action"), [
    ("HealService", "start", "ill.service", "ill.service", "service"),
    ("HealService", "repair", "alias.service", "ill.service", "service"),
    ("HealService", "restart", "well.service", "well.service", "service"),
    ("HealResource", "vacuum-journal", "", "heald-vacuum-journal.service", "resource"),
    ("HealResource", "clean-temporary", "", "heald-clean-temporary.service", "resource"),
    ("HealResource", "unlimit", "well.service", "well.service", "resource"),
    ("HealSystem", "restore-permissions", "", "heald-restore-permissions.service", "system"),
    ("HealSystem", "run", "reindex", "heald-run-reindex.service", "run"),
])
def test_polkit_is_asked_once_about_the_sender_and_what_it_asks_for(  # noqa: PLR0917  one argument a column
        stage: Stage, alice: Caller, method: str, operation: str, target: str, unit: str, action: str) -> None:
    stage.helper_toml('may_restart = ["well.service"]\nrun = ["reindex"]\n')
    stage.unit("ill.service", more={"Names": Variant("as", ["ill.service", "alias.service"])})
    stage.unit("well.service", "active")
    for oneshot in ("vacuum-journal", "clean-temporary", "restore-permissions", "run-reindex"):
        stage.unit(f"heald-{oneshot}.service", "inactive")
    alice.heal(method, operation, target)
    checks = stage.checks()
    *by_alias, [subject, asked, details, flags, _] = checks
    assert [check[2]["unit"] for check in by_alias] == [target] * (target == "alias.service")  # before root had looked
    assert {str(check[:2]) for check in checks} == {str([subject, asked])}
    assert subject == ["system-bus-name", {"name": alice.name}]
    assert asked == f"org.heald.helper.{action}"
    assert details == {"operation": operation, "target": target, "unit": unit}
    assert flags == 0


@pytest.mark.parametrize("refused", ["alias.service", "ill.service"])
def test_a_no_to_one_of_its_names_is_a_no(stage: Stage, alice: Caller, refused: str) -> None:
    stage.unit("ill.service", more={"Names": Variant("as", ["ill.service", "alias.service"])})
    stage.polkit(*CHECK, f"ret = (args[2]['unit'] != '{refused}', False, {{}})")
    assert alice.heal("HealService", "repair", "alias.service").error == "AccessDenied"
    assert stage.asked("StartUnit") == []


def test_where_a_person_may_be_asked_for_a_password_root_looks_first(stage: Stage, alice: Caller) -> None:
    assert alice.heal("HealService", "start", "nowhere.service", interactive=True).error == "InvalidArgs"
    assert stage.checks() == []


@pytest.mark.parametrize(("code", "error"), [
    ("ret = (False, False, {})", "AccessDenied"),
    ("ret = (False, True, {})", "InteractiveAuthorizationRequired"),
    ("raise dbus.exceptions.DBusException('no', name='org.freedesktop.PolicyKit1.Error.Failed')", "AccessDenied"),
])
def test_whatever_is_not_a_yes_is_a_no(stage: Stage, alice: Caller, code: str, error: str) -> None:
    stage.polkit(*CHECK, code)
    for caller in (alice, stage.root):
        reply = caller.start("ill.service")
        assert reply.error == error
        assert "\n" not in reply.text
    assert stage.asked("StartUnit") == []


@pytest.mark.parametrize(("gives", "code"), [
    ("b", "ret = True"), ("(iba{ss})", "ret = (1, False, {})"), ("", ""), ("s", "ret = 'yes'"),
])
def test_a_yes_of_another_type_is_a_no(stage: Stage, alice: Caller, gives: str, code: str) -> None:
    stage.polkit(CHECK[0], CHECK[1], gives, code)
    assert alice.start("ill.service").error == "AccessDenied"
    assert stage.asked("StartUnit") == []


def test_a_polkit_that_does_not_answer_is_a_timeout(stage: Stage, alice: Caller) -> None:
    stage.times(authority={"LIMIT": 0.3})
    hang(stage)
    reply = alice.start("ill.service")
    assert reply.error == "Timeout"
    assert "polkit" in reply.text
    stage.until_asked(1, CANCEL[0])
    assert stage.asked("StartUnit") == []


def test_a_prompt_that_nobody_answers_ends_and_frees_its_place(stage: Stage, alice: Caller) -> None:
    stage.times(authority={"PROMPT": 0.3})
    hang(stage)
    for round_ in range(1, 4):
        asked = [alice.begin("HealService", "start", "ill.service", interactive=True) for _ in range(2)]
        assert [alice.wait(one).error for one in asked] == ["Timeout"] * 2
        stage.until_asked(2 * round_, CANCEL[0])
    assert stage.asked("StartUnit") == []


def test_a_person_is_asked_only_if_the_call_allows_it(stage: Stage, alice: Caller) -> None:
    alice.start("ill.service", interactive=True)
    stage.unit("ill.service")
    alice.start("ill.service")
    assert [check[3] for check in stage.checks()] == [1, 0]


def test_after_a_prompt_the_unit_is_looked_at_again(stage: Stage, alice: Caller) -> None:
    hang(stage)
    asked = alice.begin("HealService", "start", "ill.service", interactive=True)
    stage.until_asked(1)
    stage.unit("ill.service", "active")
    stage.polkit_hangs(hangs=False)
    assert alice.wait(asked).error == "Healthy"
    assert stage.asked("StartUnit") == []


def test_after_a_polkit_that_is_slow_the_unit_is_looked_at_again(stage: Stage, alice: Caller) -> None:
    stage.times(service={"FRESH": 0.0})
    hang(stage)
    asked = alice.begin("HealService", "start", "ill.service")
    stage.until_asked(1)
    stage.unit("ill.service", "active")
    stage.polkit_hangs(hangs=False)
    assert alice.wait(asked).error == "Healthy"
    assert stage.asked("StartUnit") == []


def test_a_caller_that_vanishes_ends_its_check_and_frees_its_place(stage: Stage, alice: Caller) -> None:
    hang(stage)
    for round_ in range(1, 4):
        gone = stage.as_user(ALICE)
        for _ in range(2):
            gone.begin("HealService", "start", "ill.service", interactive=True)
        stage.until_asked(2 * round_)
        assert alice.start("ill.service").error == "LimitsExceeded"
        gone.close()
        stage.until_asked(2 * round_, CANCEL[0])
    stage.polkit_hangs(hangs=False)
    assert alice.start("ill.service").report["after"] == "active"


def test_callers_that_come_and_go_ask_no_more_of_polkit_than_callers_that_stay(stage: Stage, alice: Caller) -> None:
    stage.times(authority={"END": 60})
    stage.polkit(CANCEL[0], "s", "", "")        # it is slow: the check goes on
    stage.polkit_hangs(hangs=True)
    gone = stage.as_user(ALICE)
    for _ in range(2):
        gone.begin("HealService", "start", "ill.service")
    stage.until_asked(2)
    gone.close()
    stage.until_asked(2, CANCEL[0])
    assert alice.start("ill.service").error == "LimitsExceeded"
    assert len(stage.checks()) == 2
    stage.polkit_hangs(hangs=False)
    stage.until(lambda: alice.start("ill.service").error != "LimitsExceeded", "polkit is done with them")
    assert stage.asked("StartUnit") == [["ill.service", "fail"]]
