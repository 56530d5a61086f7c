"""How much root does for the controller, one thing at a time, and an end without a lost call."""

import os

import pytest
from dbus_next.signature import Variant

from bus.caller import HELPER, HELPER_PATH, Caller
from bus.private import ALICE, GUESTS, HEALD, Stage

PEER = (HELPER, HELPER_PATH, "org.freedesktop.DBus.Peer")
AT_ONCE = {"wait": Variant("u", 0)}
ROUNDS = 60


def heal(caller: Caller, stage: Stage, unit: str) -> str:
    """The error of a call for a unit that is ill, "" where it was healed."""
    stage.unit(unit)
    return caller.start(unit).error


def test_three_times_one_operation_on_one_target_for_the_controller(stage: Stage, heald: Caller) -> None:
    assert [heal(heald, stage, "ill.service") for _ in range(4)] == ["", "", "", "LimitsExceeded"]
    assert heal(heald, stage, "other.service") == ""
    assert heald.heal("HealService", "repair", "ill.service").report["after"] == "active"


def test_a_person_and_root_are_not_counted(stage: Stage, heald: Caller) -> None:
    for caller in (stage.root, stage.as_user(ALICE)):
        assert [heal(caller, stage, "ill.service") for _ in range(5)] == [""] * 5
    assert heal(heald, stage, "ill.service") == ""


def test_the_counts_outlive_the_helper(stage: Stage, heald: Caller) -> None:
    for _ in range(3):
        assert heal(heald, stage, "ill.service") == ""
        stage.stop_helper()
    assert heal(heald, stage, "ill.service") == "LimitsExceeded"


@pytest.mark.parametrize("text", ['[["soon"', f'[[[1{"0" * 400}, "", "", true]], {{}}]', "[[], 1]", "1"])
def test_counts_that_cannot_be_read_leave_the_controller_nothing_for_an_hour(
        stage: Stage, heald: Caller, text: str) -> None:
    stage.stop_helper()
    stage.counts.write_text(text)
    before = stage.log().count("damaged")
    for _ in range(2):      # the hour does not begin anew with each start
        assert heal(heald, stage, "ill.service") == "LimitsExceeded"
        stage.stop_helper()
    assert stage.log().count("damaged") == before + 1
    assert heal(stage.root, stage, "ill.service") == ""


def test_a_helper_that_cannot_write_its_counts_does_not_leave_until_it_can(stage: Stage, heald: Caller) -> None:
    stage.times(service={"IDLE": 0.05})
    (in_the_way := stage.counts.with_suffix(".new")).mkdir()
    assert [heal(heald, stage, "ill.service") for _ in range(3)] == [""] * 3
    helper = stage.helper_pid()
    stage.root.pause(0.3)
    assert stage.helper_pid() == helper
    assert heal(heald, stage, "ill.service") == "LimitsExceeded"
    assert "cannot be written" in stage.log()
    in_the_way.rmdir()
    stage.until(lambda: not stage.helper_pid(), "the helper has left as soon as its counts were written")
    assert heal(heald, stage, "ill.service") == "LimitsExceeded"
    assert stage.helper_pid() != helper


def test_a_refusal_costs_nothing(stage: Stage, heald: Caller) -> None:
    for _ in range(5):
        stage.unit("ill.service", "active")
        assert heald.start("ill.service").error == "Healthy"
        stage.allow()
        stage.unit("ill.service")
        assert heald.start("ill.service").error == "AccessDenied"
        stage.allow("org.heald.helper.service")
    assert [heal(heald, stage, "ill.service") for _ in range(4)] == ["", "", "", "LimitsExceeded"]


def test_an_operation_that_found_nothing_to_do_costs_nothing(stage: Stage, heald: Caller) -> None:
    stage.unit("heald-vacuum-journal.service", "inactive", {"Result": Variant("s", "exec-condition")})
    stage.systemd("SetJob", "sss", "heald-vacuum-journal.service", "done", "inactive")
    stage.times(service={"LOOK": 0.2})
    for _ in range(5):
        assert [heald.heal("HealResource", "vacuum-journal").error for _ in range(2)] == ["Healthy", "Busy"]
        assert stage.root.heal("HealResource", "vacuum-journal").error == "Healthy"
        stage.root.pause(0.25)


def test_root_may_change_the_limits(stage: Stage, heald: Caller) -> None:
    stage.helper_toml("[limits]\nper_hour = 2\nburst = 1\n")
    assert heal(heald, stage, "a.service") == ""
    assert heal(heald, stage, "a.service") == "LimitsExceeded"
    assert heal(heald, stage, "b.service") == ""
    reply = heald.start("a.service")
    assert reply.error == "LimitsExceeded"
    assert "per_hour" in reply.text


def test_one_action_at_a_time_on_one_unit(stage: Stage, heald: Caller) -> None:
    stage.unit("slow.service", more={"Names": Variant("as", ["slow.service", "alias.service"])})
    stage.systemd("SetJob", "sss", "slow.service", "", "")
    assert stage.root.start("slow.service", AT_ONCE).report["state"] == "running"
    stage.systemd("UpdateUnit", "sa{sv}", "slow.service", {"ActiveState": Variant("s", "failed")})
    for name in ("slow.service", "alias.service"):
        assert heald.start(name).error == "Busy"
    assert heal(heald, stage, "other.service") == ""
    stage.systemd("EndJob", "sss", "slow.service", "failed", "failed")
    stage.systemd("SetJob", "sss", "slow.service", "done", "active")
    stage.until(lambda: heald.start("slow.service").error == "", "the unit is no longer acted on")


def test_work_that_outlives_its_wait_is_told_when_it_ends(stage: Stage) -> None:
    stage.root.bus("AddMatch", "s", f"type='signal',sender='{HELPER}'")
    stage.unit("slow.service")
    stage.systemd("SetJob", "sss", "slow.service", "", "")
    assert stage.root.start("slow.service", AT_ONCE).report["state"] == "running"
    stage.systemd("EndJob", "sss", "slow.service", "failed", "failed")
    stage.until(lambda: bool(stage.root.heard), "Finished was sent")
    assert stage.root.heard[-1].body[:4] == ["service", "start", "slow.service", False]


@pytest.mark.parametrize("result", ["failed", "dependency", "timeout", "canceled"])
def test_a_job_that_did_not_end_well_is_failed_with_systemd_s_words(stage: Stage, result: str) -> None:
    stage.unit("ill.service", more={"Result": Variant("s", "exit-code")})
    stage.systemd("SetJob", "sss", "ill.service", result, "failed")
    reply = stage.root.start("ill.service")
    assert reply.error == "Failed"
    assert result in reply.text


def test_a_condition_that_does_not_hold_leaves_it_unchanged(stage: Stage) -> None:
    stage.unit("ill.service", more={"ConditionResult": Variant("b", False)})
    stage.systemd("SetJob", "sss", "ill.service", "done", "inactive")
    assert stage.root.start("ill.service").report["state"] == "unchanged"


def test_two_calls_of_one_uid_are_in_flight_and_the_controller_keeps_its_place(stage: Stage, heald: Caller) -> None:
    stage.polkit_hangs(hangs=True)
    stage.unit("ill.service")
    waiting = []
    for uid in GUESTS:
        waiting += [(caller := stage.as_user(uid)).begin("HealService", "start", "ill.service") for _ in range(2)]
        assert caller.start("ill.service").error == "LimitsExceeded"
    stage.until_asked(12)
    assert stage.as_user(ALICE).start("ill.service").error == "LimitsExceeded"
    own = [heald.begin("HealService", "start", "ill.service") for _ in range(2)]
    stage.until_asked(14)
    stage.allow()
    stage.polkit_hangs(hangs=False)
    assert {heald.wait(asked).error for asked in [*waiting, *own]} <= {"", "AccessDenied", "Busy", "Healthy"}


def test_an_idle_helper_leaves_without_losing_a_call(stage: Stage) -> None:
    stage.times(service={"IDLE": 0.05})
    helpers = set()
    for round_ in range(ROUNDS):
        asked = [stage.root.ask(PEER, "Ping") for _ in range(3)]
        assert [stage.root.wait(one).error for one in asked] == [""] * 3
        helpers.add(stage.helper_pid())
        stage.root.pause(0.04 + 0.02 * round_ / ROUNDS)
    assert len(helpers) > 1
    assert "Traceback" not in stage.log()


def test_a_helper_that_is_told_to_end_answers_every_call_as_it_stands(stage: Stage) -> None:
    stage.unit("slow.service")
    stage.systemd("SetJob", "sss", "slow.service", "", "")
    asked = stage.root.begin("HealService", "start", "slow.service")
    stage.until(lambda: bool(stage.asked("StartUnit")), "systemd was asked")
    stage.polkit_hangs(hangs=True)
    asking = stage.as_user(ALICE).begin("HealService", "start", "slow.service", interactive=True)
    stage.until_asked(2)
    os.kill(stage.helper_pid(), 15)
    assert stage.root.wait(asked).report["state"] == "running"
    assert stage.root.wait(asking).error == "Busy"
    stage.until(lambda: not stage.is_there(HELPER), "the name is free")


def test_while_there_is_no_user_of_the_controller_s_whoever_is_not_root_is_bound_as_it_is(stage: Stage) -> None:
    """heald may be installed after its helper, which runs already."""
    stage.times(service={"CONTROLLER": "_nobody-of-this-name"})
    alice = stage.as_user(ALICE)
    assert [heal(alice, stage, "ill.service") for _ in range(3)] == [""] * 3
    assert heal(alice, stage, "ill.service") == "LimitsExceeded"
    assert heal(stage.root, stage, "ill.service") == ""


def test_the_controller_is_known_by_its_user_not_by_its_name(stage: Stage) -> None:
    other, same = stage.as_user(HEALD), stage.as_user(HEALD)
    assert [heal(other, stage, "ill.service") for _ in range(3)] == [""] * 3
    assert heal(same, stage, "ill.service") == "LimitsExceeded"
