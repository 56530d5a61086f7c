"""What is said to the journal: lines with fields, as its native protocol wants them."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from heald import journald, telling
from heald.model import Action, Attempt, Category, Incident, Result, Severity

START = Action(Category.SERVICE, "start", "a.service")
INCIDENT = Incident(3, "unit-failed", "a.service", Severity.HIGH, 1.0)


def fields(line: telling.Line) -> dict[str, str]:
    return dict(line.fields)


def test_a_line_about_an_incident_has_its_fields() -> None:
    line = telling.told(INCIDENT, "it is so")
    assert line == "incident 3: it is so"
    assert fields(line) == {"PRIORITY": "5", "HEALD_INCIDENT": "3", "HEALD_KIND": "unit-failed",
                            "HEALD_SUBJECT": "a.service", "HEALD_OUTCOME": "open", "UNIT": "a.service"}


def test_what_is_under_way_is_named_and_what_has_ended_is_not() -> None:
    at_work = replace(INCIDENT, attempts=(Attempt(START, 1.0),))
    assert fields(telling.told(at_work, ""))["HEALD_OPERATION"] == "service/start"
    ended = replace(INCIDENT, attempts=(Attempt(START, 1.0, 2.0, Result("done")),))
    assert "HEALD_OPERATION" not in fields(telling.told(ended, ""))
    assert fields(telling.told(ended, "", START))["HEALD_OPERATION"] == "service/start"


def test_the_unit_is_the_one_that_is_acted_on() -> None:
    disk = replace(INCIDENT, kind="disk-full", subject="/")
    assert "UNIT" not in fields(telling.told(disk, "", Action(Category.RESOURCE, "clean-packages")))
    limit = Action(Category.RESOURCE, "limit-memory", "hog.service")
    assert fields(telling.told(replace(disk, kind="memory-low"), "", limit))["UNIT"] == "hog.service"


@pytest.mark.parametrize(("facts", "priority"), [
    ({"outcome": "gave-up"}, "4"), ({"outcome": "asked"}, "4"), ({"outcome": "refused"}, "4"), ({}, "5"),
    ({"outcome": "gave-up", "well": 2.0}, "5"), ({"severity": Severity.LOW}, "6"),
])
def test_what_wants_a_person_is_a_warning(facts: dict[str, object], priority: str) -> None:
    assert fields(telling.told(replace(INCIDENT, **facts), ""))["PRIORITY"] == priority  # type: ignore[arg-type]


def test_a_datagram_as_systemd_reads_it() -> None:
    assert journald.datagram([("MESSAGE", "one"), ("A", "x=y"), ("A", "ü")]) == b"MESSAGE=one\nA=x=y\nA=\xc3\xbc\n"
    assert journald.datagram([("MESSAGE", "a\nPRIORITY=0")]) == b"MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n"
    assert len(journald.datagram([("MESSAGE", "x" * 10**6)])) < journald.LONGEST + 20
    assert journald.datagram([("MESSAGE", "\udc80")]) == b"MESSAGE=?\n"


def test_it_goes_to_the_journal_where_our_output_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(journald, "SOCKET", str(tmp_path / "socket"))
    journald.say(telling.told(INCIDENT, "printed"))
    assert capfd.readouterr().out == "incident 3: printed\n"
    there = os.fstat(1)
    monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}")
    journald.say("nobody listens")
    assert capfd.readouterr().out == "nobody listens\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))
        journald.say(telling.told(INCIDENT, "sent"))
        journald.say("plain")
        first, second = journal.recv(9999).decode(), journal.recv(9999).decode()
    assert capfd.readouterr().out == ""
    assert "MESSAGE=incident 3: sent\nSYSLOG_IDENTIFIER=heald\nPRIORITY=5\nHEALD_INCIDENT=3\n" in first
    assert second == "MESSAGE=plain\nSYSLOG_IDENTIFIER=heald\nPRIORITY=6\n"
