"""What is backed up, whereto, and how many snapshots stay: settings, and how each is written. Pure."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Copies:
    """[backup]. Paths and target are absolute, or begin with "~/": the home of whoever makes the backup."""

    paths: tuple[str, ...] = ()
    target: str = ""
    keep: int = 7                           # snapshots, the newest; 0 would keep none


def paths(value: object) -> tuple[str, ...]:
    """ValueError for all but a list of paths."""
    if not isinstance(value, list) or not value:
        raise ValueError(f'must be a list such as ["~/letters"], not {_shown(value)}')
    return tuple(path(one) for one in value)


def path(value: object) -> str:
    """A path that does not depend on where one stands."""
    if not isinstance(value, str) or not value.startswith(("/", "~/")) or "\0" in value:
        raise ValueError(f'must be a path such as "/srv/shop" or "~/letters", not {_shown(value)}')
    return value


def keep(value: object) -> int:
    """How many snapshots stay."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"must be a whole number from 1 on, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


KEYS: dict[str, Callable[[object], object]] = {"paths": paths, "target": path, "keep": keep}
"""The keys of [backup], each with what reads it."""
