"""What `healctl why` tells of an incident beside what was done: how it was seen, each decision, and what was found out.

In tables of their own of the history file, so that a file of an older heald lacks them and is whole all the same.
Stamps are wall-clock seconds. Of one incident so many are kept that it stays under 200 KB, however long it lasts.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from heald.model import Incident, Issue

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (incident INTEGER PRIMARY KEY, since REAL, value TEXT, threshold TEXT, detail TEXT);
CREATE TABLE IF NOT EXISTS steps (incident INTEGER, at REAL, event TEXT, reason TEXT);
CREATE TABLE IF NOT EXISTS findings (incident INTEGER PRIMARY KEY, killed TEXT, changes TEXT, left_out INTEGER);
CREATE INDEX IF NOT EXISTS steps_of ON steps (incident);
"""
INSERT_SEEN = "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?)"
INSERT_STEP = "INSERT INTO steps VALUES (?, ?, ?, ?)"
INSERT_FINDINGS = "INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?)"
STEPS_KEPT, EVIDENCE_KEPT, LONGEST = 100, 8, 500     # steps, pieces of evidence; characters of a reason

Step = tuple[int, float, str, str]
"""Incident, when, what happened, why: a row of its table."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was changed before an incident began. `kind`: file, package, generation."""

    at: float
    kind: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What made it begin: who ended the unit ("" = not known), what was changed, how many more changes there were."""

    killed: str = ""
    changes: tuple[Change, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What systemd and the journal said of a failing unit."""

    taken: float
    properties: Mapping[str, object]
    journal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All that is kept of one incident in these tables; `seen` is since, value, threshold, detail."""

    seen: tuple[float, float | str, float | str, str] | None = None
    steps: tuple[Step, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    findings: Findings | None = None


def steps(before: Incident | None, after: Incident, now: float) -> Iterator[Step]:
    """What happened to an incident between two states of it, in a row each."""
    reason = after.reason[:LONGEST]
    if before is None:
        yield after.id, now, "opened", after.issue.detail[:LONGEST] if after.issue else ""
    elif before.well is None and after.well is not None and after.outcome == "healed":
        yield after.id, now, "healed", ""           # the reason is still that of the repair
    elif before.well is None and after.well is not None:
        yield after.id, now, "cleared" if after.outcome == "cleared" else "well", reason
    elif before.well is not None and after.well is None:
        yield after.id, now, "relapsed", reason
    elif len(after.attempts) > len(before.attempts):
        if before.reason != after.reason:
            yield after.id, now, "decided", reason
    elif after.closed is None and (before.outcome, before.reason) != (after.outcome, after.reason):
        yield after.id, now, "waits" if after.outcome == "open" else after.outcome, reason
    if after.closed is not None and (before is None or before.closed is None):
        yield after.id, now, "closed", reason


def seen_row(incident: int, issue: Issue, offset: float) -> tuple[Any, ...]:
    """For INSERT_SEEN."""
    return (incident, issue.since + offset, json.dumps(issue.value), json.dumps(issue.threshold), issue.detail)


def findings_row(incident: int, found: Findings) -> tuple[Any, ...]:
    """For INSERT_FINDINGS."""
    return incident, found.killed, json.dumps([asdict(change) for change in found.changes]), found.left_out


def bound(file: sqlite3.Connection, incidents: Iterable[int]) -> None:
    """Of these the newest steps are kept, and of the evidence the first and the newest."""
    for number in incidents:
        for table, kept, first in (("steps", STEPS_KEPT, 0), ("evidence", EVIDENCE_KEPT - 1, 1)):
            file.execute(
                f"DELETE FROM {table} WHERE incident = :n AND rowid < (SELECT rowid FROM {table} WHERE incident = :n "  # noqa: S608 - our own words
                "ORDER BY rowid DESC LIMIT 1 OFFSET :kept) AND rowid NOT IN "
                f"(SELECT rowid FROM {table} WHERE incident = :n ORDER BY rowid LIMIT :first)",
                {"n": number, "kept": kept - 1, "first": first})


def read(path: Path, incident: int) -> Story:
    """The story of one incident in a file, without what an older heald did not keep. OSError as history.read."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as file:
            there = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            return _story(file, incident, there)
    except (sqlite3.Error, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OSError(f"{path} cannot be read: {error}") from None


def _story(file: sqlite3.Connection, incident: int, there: Set[str]) -> Story:
    def rows(table: str) -> list[tuple[Any, ...]]:
        if table not in there:
            return []
        return file.execute(f"SELECT * FROM {table} WHERE incident = ? ORDER BY rowid", (incident,)).fetchall()  # noqa: S608 - our own words
    seen = next(((float(since), json.loads(value), json.loads(threshold), str(detail))
                 for _, since, value, threshold, detail in rows("seen")), None)
    evidence = tuple(Evidence(float(taken), dict(json.loads(properties)), tuple(str(text).splitlines()))
                     for _, taken, properties, text in rows("evidence"))
    found = next((Findings(str(killed), tuple(Change(**change) for change in json.loads(changes)), int(left_out))
                  for _, killed, changes, left_out in rows("findings")), None)
    told = tuple((int(number), float(at), str(event), str(reason)) for number, at, event, reason in rows("steps"))
    return Story(seen, told, evidence, found)
