"""Messages that are forged, huge or countless: the helper believes none of them and goes on serving others."""

import socket
from contextlib import ExitStack
from typing import Any

import pytest
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from bus.caller import HELPER, HELPER_PATH, Caller
from bus.private import ALICE, HEALD, NOBODY, SYSTEMD, Stage

MEGABYTE = 1 << 20
PEER = (HELPER, HELPER_PATH, "org.freedesktop.DBus.Peer")
PROPERTIES = (HELPER, HELPER_PATH, "org.freedesktop.DBus.Properties")
MANAGER = "org.freedesktop.systemd1.Manager"
CONNECTIONS = 1000
FLOOD = 10_000


def removed(job: str, destination: str = "") -> Message:
    """systemd's signal that a job has ended well; to everyone unless there is a destination."""
    message = Message(message_type=MessageType.SIGNAL, path=SYSTEMD[1], interface=MANAGER, member="JobRemoved",
                      signature="uoss", body=[1, job, "slow.service", "done"])
    if destination:
        message.destination = destination
    return message


@pytest.mark.parametrize("uid", [0, NOBODY, HEALD])
def test_a_forged_end_of_a_job_is_not_believed(stage: Stage, uid: int) -> None:
    stage.unit("slow.service")
    stage.systemd("SetJob", "sss", "slow.service", "", "")
    asked = stage.root.begin("HealService", "start", "slow.service")
    stage.until(lambda: bool(stage.asked("StartUnit")), "systemd was asked")
    job = str(stage.systemd("JobOf", "s", "slow.service").body[0])
    forger = stage.as_user(uid)
    forger.post(removed(job))
    forger.post(removed(job, stage.helper_name()))
    forger.bus("GetId")                 # an answer: what was sent before has been passed on
    assert stage.root.call(PEER, "Ping").error == ""
    assert not asked.done()
    stage.systemd("EndJob", "sss", "slow.service", "failed", "failed")
    assert stage.root.wait(asked).error == "Failed"


@pytest.mark.parametrize("uid", [NOBODY, ALICE, HEALD])
def test_the_bus_keeps_signals_from_the_helper(stage: Stage, uid: int) -> None:
    stage.root.call(PEER, "Ping")
    assert stage.as_user(uid).refused(removed("/job/1", stage.helper_name())).error == "AccessDenied"


def test_the_controller_s_user_hears_nobody_but_those_it_must(stage: Stage, heald: Caller) -> None:
    heald.bus("AddMatch", "s", "type='signal'")
    for uid in (NOBODY, ALICE):
        forger = stage.as_user(uid)
        forger.post(removed("/job/1"))
        forger.post(removed("/job/1", heald.name))
        forger.bus("GetId")
    stage.root.post(removed("/job/1"))          # root, but not systemd
    stage.systemd("EmitSignal", "sssav", MANAGER, "JobRemoved", "uoss", [
        Variant("u", 7), Variant("o", "/job/7"), Variant("s", "true.service"), Variant("s", "done")])
    stage.until(lambda: any(message.member == "JobRemoved" for message in heald.heard), "systemd was heard")
    jobs = [message.body for message in heald.heard if message.member == "JobRemoved"]
    assert jobs == [[7, "/job/7", "true.service", "done"]]


@pytest.mark.parametrize("uid", [NOBODY, ALICE, 61002])
def test_nobody_takes_the_controller_s_name(stage: Stage, uid: int) -> None:
    assert stage.as_user(uid).bus("RequestName", "su", "org.heald.Controller1", 4).error == "AccessDenied"
    assert stage.as_user(HEALD).bus("RequestName", "su", "org.heald.Controller1", 4).body == [1]


@pytest.mark.parametrize(("uid", "error"), [(NOBODY, "AccessDenied"), (ALICE, "AccessDenied"), (HEALD, "AccessDenied"),
                                            (61002, "")])
def test_only_the_helper_takes_the_helper_s_name(stage: Stage, uid: int, error: str) -> None:
    assert stage.as_user(uid).bus("RequestName", "su", HELPER, 4).error == error


def test_interfaces_that_are_not_ours_do_not_reach_the_helper(stage: Stage) -> None:
    assert stage.as_user(ALICE).call((HELPER, HELPER_PATH, "org.example.Other"), "Do").error == "AccessDenied"


def test_a_huge_call_is_dropped_while_another_caller_is_served(stage: Stage) -> None:
    stage.unit("ill.service")
    alice = stage.as_user(ALICE)
    huge = alice.begin("HealService", "start", "ill.service", {"x": Variant("s", "x" * (30 * MEGABYTE))})
    assert stage.root.start("ill.service").report["after"] == "active"
    reply = alice.wait(huge)
    assert reply.error == "LimitsExceeded"
    assert alice.call(PEER, "Ping").error == ""         # its stream is still in step
    assert stage.helper_memory() < 100 * MEGABYTE


def test_a_huge_reply_is_dropped_too(stage: Stage) -> None:
    stage.unit("ill.service", more={"Description": Variant("s", "x" * (8 * MEGABYTE))})
    assert stage.root.start("ill.service").error
    stage.unit("ill.service")
    assert stage.root.start("ill.service").report["after"] == "active"


def test_a_thousand_connections_that_ask_and_go(stage: Stage) -> None:
    stage.polkit("CancelCheckAuthorization", "s", "",
                 "for answer, _ in self.hanging_calls: answer((False, False, {}))\nself.hanging_calls = []")
    stage.polkit_hangs(hangs=True)
    stage.unit("ill.service")
    stage.root.call(PEER, "Ping")
    for _ in range(CONNECTIONS):
        ask_and_go(stage.address)
    stage.polkit_hangs(hangs=False)
    stage.until(lambda: stage.root.start("ill.service").error != "LimitsExceeded", "their places are free again")
    stage.unit("ill.service")
    assert stage.root.start("ill.service").report["after"] == "active"


def marshalled(message: Any) -> bytes:
    """The bytes on the wire; untyped in dbus_next."""
    return bytes(message._marshall())


def connected(address: str) -> socket.socket:
    """A connection of root's that said hello, and reads nothing more."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(address.removeprefix("unix:path="))
    sock.sendall(b"\0AUTH EXTERNAL 30\r\n")             # uid 0, as hexadecimal text
    sock.recv(100)
    sock.sendall(b"BEGIN\r\n" + marshalled(Message(
        destination="org.freedesktop.DBus", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus",
        member="Hello", serial=1)))
    sock.recv(100)
    return sock


def ask_and_go(address: str) -> None:
    """A connection that asks the helper to heal and is gone before the answer."""
    with connected(address) as sock:
        sock.sendall(marshalled(Message(
            destination=HELPER, path=HELPER_PATH, interface=HELPER, member="HealService", serial=2,
            signature="ssa{sv}", body=["start", "ill.service", {}], flags=MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION)))


@pytest.mark.parametrize(("length", "error"), [(3_000, "InvalidArgs"), (60_000, "LimitsExceeded")])
def test_calls_of_many_connections_that_wait_together_fit_in_its_memory(stage: Stage, length: int, error: str) -> None:
    callers = [stage.as_user(NOBODY) for _ in range(100)]
    assert callers[0].call(PEER, "Ping").error == ""
    asked = [(caller, caller.begin("HealService", "start", "x" * length)) for caller in callers for _ in range(8)]
    assert {caller.wait(call).error for caller, call in asked} == {error}
    assert stage.helper_memory() < 48 * MEGABYTE


def test_a_header_that_is_too_long_is_answered(stage: Stage) -> None:
    reply = stage.as_user(ALICE).call((HELPER, "/x" * 4000, "org.freedesktop.DBus.Peer"), "Ping")
    assert reply.error == "LimitsExceeded"


def test_a_flood_that_wants_no_answer_does_nothing(stage: Stage) -> None:
    stage.unit("ill.service")
    alice = stage.as_user(ALICE)
    assert alice.call(PEER, "Ping").error == ""     # it runs: while it starts, the bus itself bounds what waits for it
    for _ in range(FLOOD):
        alice.post(Message(destination=HELPER, path=HELPER_PATH, interface=HELPER, member="HealService",
                           signature="ssa{sv}", body=["start", "ill.service", {}],
                           flags=MessageFlag.NO_REPLY_EXPECTED))
    ping = alice.ask(PEER, "Ping")
    stage.unit("other.service")
    assert stage.root.start("other.service").report["after"] == "active"
    assert alice.wait(ping).error == ""
    assert stage.asked("StartUnit") == [["other.service", "fail"]]
    assert stage.helper_memory() < 100 * MEGABYTE


def test_answers_that_nobody_reads_do_not_fill_its_memory(stage: Stage) -> None:
    """19 kB of calls on each connection, 9 kB of answer to each call."""
    assert stage.root.call(PEER, "Ping").error == ""
    asked = b"".join(marshalled(Message(
        destination=HELPER, path=HELPER_PATH, interface="org.freedesktop.DBus.Introspectable", member="Introspect",
        serial=serial)) for serial in range(2, 130))
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(stage.address)).sendall(asked)
        assert stage.root.call(PEER, "Ping").error == ""
        assert stage.helper_memory(peak=True) < 48 * MEGABYTE


@pytest.mark.parametrize(("signature", "body"), [
    ("sas", [HELPER, ["Version"]]), ("sv", [HELPER, Variant("v", Variant("s", "Version"))]), ("s", [HELPER])])
def test_a_property_that_is_asked_for_in_another_shape_is_a_line_and_no_traceback(
        stage: Stage, signature: str, body: list[Any]) -> None:
    assert stage.as_user(NOBODY).call(PROPERTIES, "Get", signature, body).error == "UnknownMethod"
    assert "Traceback" not in stage.log()
