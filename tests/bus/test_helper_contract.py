"""What the helper shows of itself, and calls that have not the contract's shape."""

from pathlib import Path

import pytest
from dbus_next.signature import Variant

from bus.caller import HELPER, HELPER_PATH, Caller
from bus.private import NOBODY, SOURCE, Stage

PROPERTIES, INTROSPECTABLE, PEER = (f"org.freedesktop.DBus.{face}" for face in ("Properties", "Introspectable", "Peer"))


@pytest.fixture
def nobody(stage: Stage) -> Caller:
    """Somebody whom no policy and no rule names."""
    return stage.as_user(NOBODY)


def test_the_contract_is_served_as_it_stands(nobody: Caller) -> None:
    shown = nobody.call((HELPER, HELPER_PATH, INTROSPECTABLE), "Introspect").body[0]
    assert shown.encode() == Path(SOURCE / "dbus/org.heald.Helper1.xml").read_bytes()


@pytest.mark.parametrize(("path", "child"), [("/", "org"), ("/org", "heald"), ("/org/heald", "Helper1")])
def test_each_parent_names_the_way(nobody: Caller, path: str, child: str) -> None:
    assert f'<node name="{child}"/>' in nobody.call((HELPER, path, INTROSPECTABLE), "Introspect").body[0]


def test_properties_are_read_by_anyone_and_written_by_nobody(stage: Stage, nobody: Caller) -> None:
    stage.unit("heald-restore-permissions.service", "inactive")
    shown = nobody.call((HELPER, HELPER_PATH, PROPERTIES), "GetAll", "s", [HELPER]).body[0]
    assert shown == {"Version": "0.1.0", "Operations": [
        "service/start", "service/repair", "service/restart", "service/reload", "resource/unlimit",
        "system/restore-permissions"]}
    for name, value in shown.items():
        assert nobody.call((HELPER, HELPER_PATH, PROPERTIES), "Get", "ss", [HELPER, name]).body == [value]
    for caller in (nobody, stage.root):
        reply = caller.call((HELPER, HELPER_PATH, PROPERTIES), "Set", "ssv", [HELPER, "Version", Variant("s", "9")])
        assert reply.error == "PropertyReadOnly"
    assert nobody.call((HELPER, HELPER_PATH, PROPERTIES), "Get", "ss", [HELPER, "Nothing"]).error == "UnknownProperty"


def test_peer_answers(nobody: Caller) -> None:
    assert nobody.call((HELPER, HELPER_PATH, PEER), "Ping").body == []


@pytest.mark.parametrize(("path", "face", "member", "error"), [
    (HELPER_PATH, HELPER, "HealEverything", "UnknownMethod"),
    (HELPER_PATH, INTROSPECTABLE, "Explain", "UnknownMethod"),
    ("/org/heald/Helper2", INTROSPECTABLE, "Introspect", "UnknownObject"),
    ("/org/heald", HELPER, "HealService", "UnknownMethod"),
])
def test_what_is_not_there_is_said_so(nobody: Caller, path: str, face: str, member: str, error: str) -> None:
    reply = nobody.call((HELPER, path, face), member)
    assert reply.error == error
    assert "\n" not in reply.text


@pytest.mark.parametrize(("signature", "body"), [
    ("", []), ("s", ["start"]), ("ss", ["start", "ill.service"]), ("ssas", ["start", "ill.service", []]),
    ("ssa{ss}", ["start", "ill.service", {}]), ("sas", ["start", ["ill.service"]]),
    ("ssa{sv}s", ["start", "ill.service", {}, ""]),
])
def test_a_wrong_signature_is_refused(stage: Stage, signature: str, body: list[object]) -> None:
    stage.unit("ill.service")
    reply = stage.root.call((HELPER, HELPER_PATH, HELPER), "HealService", signature, body)
    assert reply.error == "InvalidArgs"
    assert "ssa{sv}" in reply.text
    assert stage.asked("StartUnit") == []


@pytest.mark.parametrize(("options", "told"), [
    ({"force": Variant("b", True)}, "force"),
    ({"wait": Variant("s", "20")}, "wait"),
    ({"wait": Variant("i", 20)}, "wait"),
    ({"wait": Variant("v", Variant("u", 20))}, "wait"),
    ({"wait": Variant("u", 301)}, "300"),
    ({"x" * 1000: Variant("u", 1)}, "x"),
])
def test_a_wrong_option_is_refused(stage: Stage, options: dict[str, Variant], told: str) -> None:
    stage.unit("ill.service")
    reply = stage.root.start("ill.service", options)
    assert reply.error == "InvalidArgs"
    assert told in reply.text
    assert len(reply.text) < 200
    assert stage.asked("StartUnit") == []


@pytest.mark.parametrize(("method", "operation", "target"), [
    ("HealService", "stop", "ill.service"), ("HealService", "", "ill.service"), ("HealService", "START", "ill.service"),
    ("HealService", "vacuum-journal", ""), ("HealResource", "start", "ill.service"),
    ("HealResource", "vacuum-journal", "/"), ("HealSystem", "restore-permissions", "/tmp"),
    ("HealSystem", "run", ""), ("HealSystem", "run", "a/b"), ("HealSystem", "run", "a\n"),
    ("HealSystem", "run", "x" * 65),
])
def test_a_wrong_operation_or_target_is_refused(stage: Stage, method: str, operation: str, target: str) -> None:
    stage.unit("ill.service")
    reply = stage.root.heal(method, operation, target)
    assert reply.error == "InvalidArgs"
    assert "\n" not in reply.text
    assert stage.checks() == []
    assert stage.asked("StartUnit") == []
