"""What was seen, decided, done and verified, in SQLite. Healing never waits for it and never stops with it.

What cannot be written now (a full disk, a lock) is kept and written with what comes next; a file that is damaged is
set aside as NAME.bad-TIME and a new one begun, and so is one of a newer heald, as NAME.newer-TIME. Stamps in the file
are seconds since the epoch; in an Incident they are boottimes, so an incident of an earlier boot is closed when the
file is opened.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from heald import clock, stories
from heald.model import Incident
from heald.records import (
    DAMAGE,
    INSERT_ACTION,
    INSERT_EVIDENCE,
    INSERT_INCIDENT,
    NewerError,
    actions,
    load,
    prepare,
    row,
)

BUSY = 0.2          # seconds that a write waits for a lock
REMEMBERED = 20     # incidents that are published beside the open ones
HOUR = 3600.0
EVIDENCE_KEPT = 200  # pieces of evidence that wait for a disk at most

_IN_THE_WAY = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT,
})
"""sqlite's primary codes for a file that is as it should be, but cannot be used now."""

_UNFIT = (ValueError, TypeError, OverflowError, sqlite3.ProgrammingError)
"""What writing raises where a value is none of sqlite's, such as a text that is no Unicode. The file is sound."""


class History:
    """The file at `path`, and what is known of it in memory. `say` is told in a line when it cannot be written."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self.known: dict[int, Incident] = {}        # the open ones, the newest, and those worked on in the last hour
        self._by_key: dict[tuple[str, str], Incident] | None = None       # None: to be found again
        self._path, self._say = path, say
        self._boot = clock.boot_id()
        self._file: sqlite3.Connection | None = None
        self._inode = 0
        self._waiting: dict[int, Incident] = {}
        self._evidence: list[tuple[int, float, str, str]] = []
        self._stories: list[tuple[str, tuple[Any, ...]]] = []       # statements of stories.py, and their rows
        self._told = False
        self._next: int | None = None               # None: the file was never read
        self._attempt(self._close_other_boots)
        self.flush()

    def new_id(self) -> int:
        """A number that no incident has. While the file cannot be read it comes from the clock, far above the rest."""
        self._next = (int(time.time()) if self._next is None else self._next) + 1
        return self._next

    @property
    def open(self) -> Mapping[tuple[str, str], Incident]:
        """The incidents that are not closed, by the key of their issue."""
        if self._by_key is None:
            self._by_key = {i.key: i for i in self.known.values() if i.closed is None}
        return self._by_key

    def note(self, incident: Incident) -> None:
        """This is how it is now; nothing of it that need be written is new."""
        self.known[incident.id] = incident
        self._by_key = None

    def keep(self, incidents: Iterable[Incident]) -> None:
        """These are as they are now; written with what comes next, at the latest by flush()."""
        for incident in incidents:
            before, now = self.known.get(incident.id), time.time()
            if before is None and incident.issue is not None:
                self._tell(stories.INSERT_SEEN, stories.seen_row(incident.id, incident.issue, clock.offset()))
            self._tell(stories.INSERT_STEP, *stories.steps(before, incident, now))
            self.known[incident.id] = self._waiting[incident.id] = incident
        self._by_key = None
        self._forget()

    def save(self, incidents: Iterable[Incident]) -> None:
        """Write these as they are now, and all that waits: before an action is begun, and after it."""
        self.keep(incidents)
        self.flush()

    def add_evidence(self, incident: int, properties: Mapping[str, object], lines: list[str]) -> None:
        """What systemd and the journal say of a failing unit: a repair destroys it, so it is kept before one."""
        self._evidence.append((incident, time.time(), json.dumps(properties), "\n".join(lines)))
        del self._evidence[:-EVIDENCE_KEPT]

    def add_findings(self, incident: int, found: stories.Findings) -> None:
        """What was found out about how it began; written with what comes next."""
        self._tell(stories.INSERT_FINDINGS, stories.findings_row(incident, found))

    def _tell(self, statement: str, *rows: tuple[Any, ...]) -> None:
        self._stories += [(statement, row) for row in rows]

    def flush(self) -> None:
        """Write what waits, if anything does."""
        if self._waiting or self._evidence or self._stories:
            self._attempt(self._write)

    def since(self, stamp: float, most: int) -> list[Incident]:
        """The newest `most` that were open at the boottime `stamp` or later, oldest first.

        While the file cannot be read, those of them that are known.
        """
        offset = clock.offset()
        found: dict[int, Incident] = {}
        newest = f"SELECT id FROM incidents WHERE closed IS NULL OR closed > {stamp + offset} ORDER BY +id DESC"   # noqa: S608

        def look() -> None:
            assert self._file is not None  # noqa: S101 - _open() has just seen to it
            found.update((i.id, i) for i in load(self._file, f"id IN ({newest} LIMIT {most})", offset))
        self._attempt(look)
        found |= {n: i for n, i in self.known.items() if i.closed is None or i.closed > stamp}
        return sorted(found.values(), key=lambda i: i.id)[-most:]

    def tend(self, do: Callable[[sqlite3.Connection], None]) -> None:
        """Do this to the file, if it can be used now; its transaction is its own."""
        self._attempt(lambda: do(self._file) if self._file is not None else None)

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        self._attempt(self._write)
        if self._file is not None:
            self._file.close()
            self._file = None

    def _attempt(self, write: Callable[[], None], *, anew: bool = True) -> None:
        """Do it on an open, sound file, if need be on one begun `anew`; else keep what waits and say so once."""
        try:
            self._open()
            write()
            self._told = False
        except (*DAMAGE, OSError) as error:
            self._lost()
            code = getattr(error, "sqlite_errorcode", None)
            damaged = not isinstance(error, OSError) and (code is None or code & 0xFF not in _IN_THE_WAY)
            if anew and damaged and self._set_aside(error):
                return self._attempt(write, anew=False)
            if not self._told:
                self._say(f"history {self._path} cannot be written: {error}; it is kept in memory and tried again")
            self._told = True

    def _lost(self) -> None:
        del self._stories[:-EVIDENCE_KEPT]
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.close()
            self._file = None

    def _set_aside(self, error: Exception) -> bool:
        newer = isinstance(error, NewerError)
        name = f"{self._path.name}.{'newer' if newer else 'bad'}"
        try:
            names = (self._path.with_name(f"{name}-{stamp}") for stamp in count(int(time.time())))
            aside = next(path for path in names if not path.exists())
            self._path.rename(aside)
        except OSError:
            return False
        for left in ("-wal", "-shm"):               # they belong to the damaged file; a new one must not read them
            with suppress(OSError):
                self._path.with_name(self._path.name + left).rename(aside.with_name(aside.name + left))
        why = str(error).removeprefix("it ") if newer else f"is damaged ({error})"
        self._say(f"history {self._path} {why}; it is set aside as {aside.name}, a new one is begun")
        self._waiting |= self.known
        return True

    def _open(self) -> None:
        with suppress(OSError):
            if self._file is not None and self._path.stat().st_ino == self._inode:
                return
        if self._file is not None:          # somebody moved or deleted the file: what is known goes into the new one
            self._file.close()
            self._waiting |= self.known
        self._path.parent.mkdir(parents=True, exist_ok=True)
        old = os.umask(0o027)
        try:
            self._file = sqlite3.connect(self._path, timeout=BUSY, isolation_level=None)
            prepare(self._file)
        finally:
            os.umask(old)
        self._inode = self._path.stat().st_ino
        newest = self._file.execute("SELECT max(id) FROM incidents").fetchone()[0] or 0
        self._next = max(self._next or 0, newest)
        if not self.known:
            since = time.time() - HOUR
            where = f"closed IS NULL OR closed > {since} OR id > {newest - REMEMBERED}"
            self.known = {i.id: i for i in load(self._file, where, clock.offset())}

    def _write(self) -> None:
        assert self._file is not None  # noqa: S101 - _open() has just seen to it
        self._file.execute("BEGIN IMMEDIATE")
        try:
            offset = clock.offset()
            for incident in self._waiting.values():
                self._file.execute(INSERT_INCIDENT, row(incident, offset, self._boot))
                self._file.executemany(INSERT_ACTION, actions(incident, offset))
            self._file.executemany(INSERT_EVIDENCE, self._evidence)
            for statement, its in self._stories:
                self._file.execute(statement, its)
            stories.bound(self._file, {number for number, *_ in (*self._evidence, *(its for _, its in self._stories))})
            self._file.execute("COMMIT")
        except (sqlite3.Error, *_UNFIT) as error:
            with suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            if not isinstance(error, _UNFIT):
                raise
            # A bug of ours, which must not stand in the way of all that comes after it.
            self._say(f"history {self._path} lacks what was to be written now, as it cannot be: {error}")
        self._waiting.clear()
        self._evidence.clear()
        self._stories.clear()

    def _close_other_boots(self) -> None:
        assert self._file is not None  # noqa: S101 - _open() has just seen to it
        of_boot = dict(self._file.execute("SELECT id, boot FROM incidents WHERE closed IS NULL").fetchall())
        now = clock.boottime()
        for stale in [i for i in self.known.values() if i.closed is None and of_boot.get(i.id) != self._boot]:
            ended = replace(stale, closed=now, next=None, reason="the machine was started again")
            self.known[stale.id] = self._waiting[stale.id] = ended

    def _forget(self) -> None:
        newest = sorted(self.known)[-REMEMBERED:]
        since = clock.boottime() - HOUR
        self.known = {
            n: i for n, i in self.known.items()
            if i.closed is None or n in newest or any(a.started > since for a in i.attempts)
        }
