"""Old incidents are pruned, a bounded number at a time, beside the loop and never while a repair is under way.

What is open and what is published stay. What is freed is given back to the file system in small pieces too.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress

from heald import clock, tally
from heald.history import HOUR, REMEMBERED, History
from heald.keeping import Keeping

FIRST = 600.0               # seconds from the start: by then a clock that was wrong at boot is right
STEP = 100                  # incidents that are pruned at a time
PAGES = 256                 # pages, mostly of 4 KiB, that are given back at a time
TABLES = ("actions", "evidence", "seen", "steps", "findings")
OLDEST = """\
SELECT id FROM incidents WHERE closed < ? AND id <= (SELECT max(id) FROM incidents) - ? ORDER BY closed LIMIT ?"""
"""Of those that are closed; NULL is less than nothing."""


class Retention:
    """What `keeping` says, kept to. `now` is CLOCK_BOOTTIME but in tests."""

    def __init__(self, history: History, keeping: Callable[[], Keeping], busy: Callable[[], bool],
                 now: Callable[[], float] = clock.boottime) -> None:
        self._history, self._keeping, self._busy, self._now = history, keeping, busy, now
        self._due = now() + FIRST

    def go_on(self) -> None:
        """One step, if there is something to prune and no repair is under way: called at each turn of the loop."""
        if self._now() >= self._due and not self._busy():
            self._due = self._now() + (0.0 if self.step() else HOUR)

    def step(self) -> bool:
        """Prune a few; whether there may be more."""
        more = [False]

        def prune_some(file: sqlite3.Connection) -> None:
            more[0] = prune(file, self._keeping(), time.time())
        self._history.tend(prune_some)
        return more[0]


def prune(file: sqlite3.Connection, keeping: Keeping, now: float) -> bool:
    """At most STEP incidents with all that is kept of them, and PAGES pages; whether there may be more."""
    used = (_pragma(file, "page_count") - _pragma(file, "freelist_count")) * _pragma(file, "page_size")
    before = now if used > keeping.size else now - keeping.keep
    file.execute("BEGIN IMMEDIATE")
    try:
        numbers = [int(number) for (number,) in file.execute(OLDEST, (before, REMEMBERED, STEP))]
        if numbers:
            tally.keep(file, numbers)
            these = ", ".join(map(str, numbers))
            for table, column in (*((table, "incident") for table in TABLES), ("incidents", "id")):
                file.execute(f"DELETE FROM {table} WHERE {column} IN ({these})")     # noqa: S608 - our own words
        file.execute("COMMIT")
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            file.execute("ROLLBACK")
        raise
    free = _pragma(file, "freelist_count")
    file.executescript(f"PRAGMA incremental_vacuum({PAGES})")       # execute() would stop after one page
    return len(numbers) == STEP or 0 < _pragma(file, "freelist_count") < free


def _pragma(file: sqlite3.Connection, name: str) -> int:
    return int(file.execute(f"PRAGMA {name}").fetchone()[0])
