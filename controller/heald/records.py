"""How an Incident lies in the history file: the schema, and both directions. Stamps there are wall-clock seconds."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from heald import stories, tally
from heald.model import Action, Attempt, Category, Incident, Result, Severity

DAMAGE = (sqlite3.Error, ValueError, TypeError)
"""What reading a damaged file raises: a row may have anything in it."""

MANNER = """
PRAGMA auto_vacuum = INCREMENTAL;   -- what is pruned can be given back in small pieces; for a new file only
PRAGMA journal_mode = WAL;          -- a reader never locks the daemon out
PRAGMA synchronous = NORMAL;        -- no fsync for each write; a crash of the machine loses seconds, never the file
PRAGMA journal_size_limit = 1048576;
PRAGMA temp_store = MEMORY;         -- no folder for temporary files can be written to
"""
SCHEMA = """
CREATE TABLE IF NOT EXISTS incidents (
    id INTEGER PRIMARY KEY, kind TEXT, subject TEXT, severity INTEGER, opened REAL, ill REAL, well REAL, healed REAL,
    closed REAL, outcome TEXT, reason TEXT, next_operation TEXT, next_target TEXT, next_at REAL, skipped TEXT,
    files REAL, boot TEXT, halted INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS actions (
    incident INTEGER, place INTEGER, operation TEXT, target TEXT, started REAL, finished REAL, result TEXT, detail TEXT,
    subject TEXT DEFAULT '', PRIMARY KEY (incident, place));
CREATE TABLE IF NOT EXISTS evidence (incident INTEGER, taken REAL, properties TEXT, journal TEXT);
CREATE INDEX IF NOT EXISTS incidents_closed ON incidents (closed);
CREATE INDEX IF NOT EXISTS evidence_of ON evidence (incident);
"""
ADDED = """
ALTER TABLE incidents ADD COLUMN halted INTEGER DEFAULT 0;
ALTER TABLE actions ADD COLUMN subject TEXT DEFAULT '';
"""
"""What a file of format 1 lacks. One of format 2, that of heald 0.1, lacks what SCHEMA makes, and has an index more."""
VERSION = 3
SMALL = 4 << 20                     # bytes of a file that is written anew in no time
SELECT_INCIDENTS = "SELECT * FROM incidents WHERE {} ORDER BY +id"
"""The plus: else SQLite would read a year of them rather than sort the few that it wants."""
INSERT_INCIDENT = "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_ACTION = "INSERT OR REPLACE INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_EVIDENCE = "INSERT INTO evidence VALUES (?, ?, ?, ?)"


class NewerError(ValueError):
    """The file is of a newer heald. Nothing in it was touched."""


def check(file: sqlite3.Connection) -> int:
    """The format that the file is in, 0 for a new one. NewerError where that is not known here."""
    version = int(file.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise NewerError(f"it is of a newer heald (format {version}, known here is {VERSION})")
    return version


def prepare(file: sqlite3.Connection) -> None:
    """Makes the tables, or brings those of an older heald up to date, as a whole. NewerError as check()."""
    version = check(file)
    file.executescript(MANNER)
    if version == VERSION:
        return
    file.executescript(f"BEGIN IMMEDIATE; {ADDED if version == 1 else ''} {SCHEMA} {stories.SCHEMA} {tally.SCHEMA}"
                       f"DROP INDEX IF EXISTS open_incidents; PRAGMA user_version = {VERSION}; COMMIT")
    pages, each = (int(file.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    if version and pages * each <= SMALL:
        with suppress(sqlite3.Error):           # it is as good without; a full disk must not stop it
            file.execute("VACUUM")              # from now on it can be made smaller


def row(incident: Incident, offset: float, boot: str) -> tuple[Any, ...]:
    """For INSERT_INCIDENT. `offset`: what makes a boottime a wall-clock time."""
    action, at = incident.next or (None, None)
    return (
        incident.id, incident.kind, incident.subject, int(incident.severity), incident.opened + offset,
        incident.ill + offset, _plus(incident.well, offset), _plus(incident.healed, offset),
        _plus(incident.closed, offset), incident.outcome, incident.reason, action.name if action else None,
        action.target if action else None, _plus(at, offset), json.dumps(sorted(incident.skipped)), incident.files,
        boot, incident.halted,
    )


def actions(incident: Incident, offset: float) -> Iterator[tuple[Any, ...]]:
    """For INSERT_ACTION, one for each attempt."""
    for place, attempt in enumerate(incident.attempts):
        result = attempt.result
        yield (
            incident.id, place, attempt.action.name, attempt.action.target, attempt.started + offset,
            _plus(attempt.finished, offset), result.state if result else None, result.detail if result else None,
            attempt.subject,
        )


def load(file: sqlite3.Connection, where: str, offset: float) -> Iterator[Incident]:
    """The incidents that `where` selects, oldest first; their stamps less `offset`."""
    found = file.execute(SELECT_INCIDENTS.format(where)).fetchall()
    for (number, kind, subject, severity, opened, ill, well, healed, closed, outcome, reason, operation, target, at,
         skipped, files, _boot, halted) in found:
        if type(number) is not int or {type(word) for word in (kind, subject, outcome, reason)} != {str}:
            raise ValueError(f"incident {number!r} makes no sense")
        yield Incident(
            number, kind, subject, Severity(severity), opened - offset, outcome, reason,
            attempts=tuple(_attempts(file, number, offset)), ill=ill - offset, well=_plus(well, -offset),
            healed=_plus(healed, -offset), closed=_plus(closed, -offset),
            next=(_action(operation, target), at - offset) if operation else None,
            skipped=frozenset(json.loads(skipped)), files=files, halted=bool(halted),
        )


def _attempts(file: sqlite3.Connection, number: int, offset: float) -> Iterator[Attempt]:
    rows = file.execute("SELECT * FROM actions WHERE incident = ? ORDER BY place", (number,))
    for _, _, operation, target, started, finished, result, detail, subject in rows:
        yield Attempt(
            _action(operation, target), started - offset, _plus(finished, -offset),
            Result(result, detail) if result else None, subject,
        )


def _action(name: str, target: str) -> Action:
    category, _, operation = name.partition("/")
    return Action(Category(category), operation, target)


def _plus(stamp: float | None, offset: float) -> float | None:
    return None if stamp is None else stamp + offset
