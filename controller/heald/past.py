"""The history as everyone but the daemon reads it, beside it or without one. Stamps are seconds since the epoch."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from heald.model import Incident
from heald.records import DAMAGE, check, load

_NEWEST = "SELECT id FROM incidents ORDER BY id DESC LIMIT 1 OFFSET ?"
_OPEN = "SELECT id FROM incidents WHERE closed IS NULL ORDER BY well IS NULL DESC, id DESC LIMIT 1"
"""The one that is still ill before one that is only open."""


def read(path: Path, count: int, since: float = 0.0) -> list[Incident]:
    """The newest `count` incidents of a file that opened at `since` or later, newest first.

    FileNotFoundError when there is none; OSError when it may not, or cannot, be read.
    """
    with reading(path) as file:
        newest = file.execute(_NEWEST, (count - 1,)).fetchone()
        where = f"id >= {newest[0] if newest else 0} AND opened >= {since}"
        return list(load(file, where, 0.0))[::-1]


def one(path: Path, number: int | None) -> Incident | None:
    """The incident of this number, or with None the newest that is still ill, else that is open, else the newest.

    Errors as in read().
    """
    with reading(path) as file:
        if number is None:
            found = file.execute(_OPEN).fetchone() or file.execute(_NEWEST, (0,)).fetchone()
            number = found[0] if found else 0
        return next(load(file, f"id = {number}", 0.0), None)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, to be read only. FileNotFoundError when there is none; whatever is wrong with it is an OSError."""
    path.stat()
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as file:
            check(file)
            yield file
    except DAMAGE as error:
        raise OSError(f"{path} cannot be read: {error}") from None
