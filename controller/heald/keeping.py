"""How long the history is kept, and how large it may get: settings, and how each is written. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from heald import quantities
from heald.levels import size as _size
from heald.written import shown

DAY = 86400.0
LEAST = 1 << 20             # bytes: less has no room for what is open


@dataclass(frozen=True, slots=True)
class Keeping:
    """[history], as journald's MaxRetentionSec= and SystemMaxUse=: what is older goes, and what is too much."""

    keep: float = 365.25 * DAY              # seconds since an incident was closed
    size: int = 256 << 20                   # bytes


def keep(value: object) -> float:
    """Seconds from a time span of a day or more; ValueError for all else."""
    if not isinstance(value, str):
        raise ValueError(f'must be a time span such as "1y" or "90d", not {shown(value)}')
    if (span := quantities.seconds(value)) < DAY:
        raise ValueError(f'"{value}" is less than a day')
    return span


def size(value: object) -> int:
    """Bytes from a size of a MiB or more; ValueError for all else."""
    if (found := _size(value)) < LEAST:
        raise ValueError(f'"{value}" is less than 1MiB')
    return found


KEYS: dict[str, Callable[[object], object]] = {"keep": keep, "size": size}
"""The keys of [history], each with what reads it."""
