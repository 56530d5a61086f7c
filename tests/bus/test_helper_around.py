"""What a start, a repair or a restart of one unit does to others is looked at before: systemd asks nobody."""

from typing import Any

import pytest
from dbus_next.signature import Variant

from bus.private import Stage
from bus.test_helper_guard import nothing_happened
from heald_helper import around, limits

HEALS = ("start", "repair")


def names(**keys: str) -> dict[str, Variant]:
    """A unit's properties that name others: Requires="a b"."""
    return {key: Variant("as", value.split()) for key, value in keys.items()}


def stamp(key: str, ago: float) -> dict[str, Variant]:
    """ActiveEnter or ActiveExit, so many seconds ago."""
    return {f"{key}TimestampMonotonic": Variant("t", int((limits.monotonic() - ago) * 1e6))}


def refused(stage: Stage, word: str, unit: str = "ill.service") -> None:
    """Neither heals it, both say why, and systemd was asked for nothing."""
    for operation in HEALS:
        reply = stage.root.heal("HealService", operation, unit)
        assert (reply.error, word in reply.text) == ("Protected", True), reply.text
    assert nothing_happened(stage)


@pytest.mark.parametrize("key", ["Conflicts", "ConflictedBy"])
@pytest.mark.parametrize("state", ["active", "activating", "reloading"])
def test_a_start_that_would_stop_another_unit_is_refused(stage: Stage, key: str, state: str) -> None:
    stage.unit("other.service", state)
    stage.unit("shutdown.target", "inactive")
    stage.unit("ill.service", more={key: Variant("as", ["shutdown.target", "other.service"])})
    refused(stage, "would stop other.service")


@pytest.mark.parametrize("key", ["Requires", "BindsTo", "Wants"])
@pytest.mark.parametrize(("state", "error"), [("failed", "Protected"), ("inactive", "Protected"), ("active", "")])
def test_a_start_does_not_start_what_root_protects(stage: Stage, key: str, state: str, error: str) -> None:
    stage.helper_toml('protected = ["base*"]\n')
    stage.unit("base.service", state)
    stage.unit("ill.service", more={key: Variant("as", ["base.service"])})
    assert stage.root.heal("HealService", "repair", "ill.service").error == error


@pytest.mark.parametrize("key", ["Requires", "BindsTo", "Wants"])
def test_nor_by_way_of_a_unit_that_it_needs(stage: Stage, key: str) -> None:
    stage.unit("other.service", "active")
    stage.unit("deep.service", "inactive", names(Conflicts="other.service"))
    stage.unit("base.service", "failed", names(Requires="deep.service"))
    stage.unit("ill.service", more=names(**{key: "base.service"}))
    refused(stage, "would stop other.service")


def test_a_name_that_root_protects_protects_the_unit_behind_it(stage: Stage) -> None:
    stage.helper_toml('protected = ["mysql.service"]\n')
    stage.unit("mariadb.service", "inactive", names(Names="mariadb.service mysql.service"))
    stage.unit("ill.service", more=names(Wants="mariadb.service"))
    refused(stage, "mariadb.service, protected")


def test_what_is_never_touched_is_not_started_by_way_of_another(stage: Stage) -> None:
    stage.unit("drbd.service")
    stage.unit("ill.service", more=names(Requires="drbd.service"))
    refused(stage, "never touched")
    stage.unit("ill.service", more=names(Wants="drbd.service"))
    assert stage.root.start("ill.service").error == ""


@pytest.mark.parametrize("key", ["Requires", "BindsTo", "Wants"])
def test_what_somebody_stopped_is_not_started_with_what_needs_it(stage: Stage, key: str) -> None:
    stage.unit("db.service", "inactive", stamp("ActiveExit", 60))
    stage.unit("ill.service", more=names(**{key: "db.service"}))
    refused(stage, "db.service, which was stopped")
    stage.unit("db.service", "inactive")                # it never was up since it was loaded
    assert stage.root.start("ill.service").error == ""


@pytest.mark.parametrize(("more", "socket", "error"), [
    (names(Names="db.service dbus-org.example.Db.service"), "inactive", ""),
    (names(TriggeredBy="db.socket"), "active", ""),
    (names(TriggeredBy="db.socket"), "inactive", "Protected"),
])
def test_but_what_comes_and_goes_as_it_is_called_for_is(
        stage: Stage, more: dict[str, Variant], socket: str, error: str) -> None:
    stage.unit("db.socket", socket)
    stage.unit("db.service", "inactive", stamp("ActiveExit", 60) | more)
    stage.unit("ill.service", more=names(Wants="db.service"))
    assert stage.root.start("ill.service").error == error


def test_but_what_fell_with_a_cause_that_is_up_again_is(stage: Stage) -> None:
    fallen(stage, 10)
    stage.unit("ill.service", more=names(Requires="app.service"))
    assert stage.root.start("ill.service").error == ""


def test_units_without_end_are_not_looked_at(stage: Stage) -> None:
    for number in range(around.MOST + 2):
        stage.unit(f"n{number}.service", "inactive", names(Wants=f"n{number + 1}.service"))
    stage.unit("ill.service", more=names(Wants="n0.service"))
    refused(stage, f"and {around.MOST} more")


def fallen(stage: Stage, ago: float, **of: str) -> None:
    """app.service is down, since so many seconds or (0) never up, and db.service, which it requires, went down ten
    seconds ago and was restarted by systemd."""
    stage.unit("multi-user.target", "active")
    stage.unit("db.service", "active", {"NRestarts": Variant("u", 1), **stamp("ActiveExit", 10),
                                        **stamp("ActiveEnter", 5)})
    more = stamp("ActiveExit", ago) if ago else {}
    state = {"UnitFileState": Variant("s", of.pop("state", "enabled")), "Type": Variant("s", of.pop("type", "simple"))}
    stage.unit("app.service", "inactive", names(Requires="db.service", **of) | state | more)


@pytest.mark.parametrize(("ago", "of", "error"), [
    (10, {}, ""),                                               # with it, and it is enabled
    (10, {"state": "static", "WantedBy": "multi-user.target"}, ""),
    (10, {"state": "static"}, "Healthy"),                       # nobody wants it
    (60, {}, "Healthy"),                                        # long before it: somebody stopped it
    (0, {"WantedBy": "multi-user.target"}, ""),                 # it could not start at boot, for db had failed
    (0, {"WantedBy": "graphical.target"}, "Healthy"),           # stopped by a person, and unloaded since
    (0, {"WantedBy": "multi-user.target", "type": "oneshot"}, "Healthy"),       # it ended well: a job is not run twice
])
def test_what_fell_is_told_from_what_was_stopped_and_from_what_ended_well(
        stage: Stage, ago: float, of: dict[str, str], error: str) -> None:
    fallen(stage, ago, **of)
    assert stage.root.start("app.service").error == error


def repairing(stage: Stage, result: str) -> Any:
    """A repair of top.service that waits for base.service, whose job does not end by itself."""
    stage.unit("base.service")
    stage.unit("top.service", more=names(Requires="base.service"))
    stage.systemd("SetJob", "sss", "base.service", "", "")
    asked = stage.root.begin("HealService", "repair", "top.service")
    stage.until(lambda: bool(stage.asked("StartUnit")), "base.service is being started")
    return asked


def test_a_cause_whose_start_was_cancelled_is_not_started_again_with_what_needs_it(stage: Stage) -> None:
    asked = repairing(stage, "canceled")
    stage.systemd("EndJob", "sss", "base.service", "canceled", "inactive")
    reply = stage.root.wait(asked)
    assert (reply.error, "base.service" in reply.text) == ("Failed", True)
    assert [unit for unit, _ in stage.asked("StartUnit")] == ["base.service"]


def test_what_a_person_took_away_while_its_cause_was_started_stays_so(stage: Stage) -> None:
    asked = repairing(stage, "done")
    stage.systemd("UpdateUnit", "sa{sv}", "top.service", {"ActiveState": Variant("s", "inactive")})
    stage.systemd("EndJob", "sss", "base.service", "done", "active")
    assert stage.root.wait(asked).error == "Healthy"
    assert [unit for unit, _ in stage.asked("StartUnit")] == ["base.service"]


@pytest.mark.parametrize("key", ["RequiredBy", "BoundBy", "ConsistsOf"])
@pytest.mark.parametrize(("name", "state", "error"), [
    ("shop.service", "active", "Protected"), ("dbus.service", "active", "Protected"), ("shop.service", "failed", ""),
    ("other.service", "active", "")])
def test_a_restart_restarts_nothing_that_is_protected(
        stage: Stage, key: str, name: str, state: str, error: str) -> None:
    stage.helper_toml('may_restart = ["base.service"]\nprotected = ["shop.service"]\n')
    stage.unit(name, state)
    stage.unit("base.service", "active", names(**{key: name}))
    assert stage.root.heal("HealService", "restart", "base.service").error == error
