"""What is backed up, whereto, and how many snapshots stay: settings, and how each is written. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from heald.written import count, shown


@dataclass(frozen=True, slots=True)
class Copies:
    """[backup]. Paths and target are absolute, or begin with "~/": the home of whoever makes the backup."""

    paths: tuple[str, ...] = ()
    target: str = ""
    keep: int = 7                           # snapshots, the newest; 0 would keep none


def paths(value: object) -> tuple[str, ...]:
    """ValueError for all but a list of paths."""
    if not isinstance(value, list) or not value:
        raise ValueError(f'must be a list such as ["~/letters"], not {shown(value)}')
    return tuple(path(one) for one in value)


def path(value: object) -> str:
    """A path that does not depend on where one stands."""
    if not isinstance(value, str) or not value.startswith(("/", "~/")) or "\0" in value:
        raise ValueError(f'must be a path such as "/srv/shop" or "~/letters", not {shown(value)}')
    return value


KEYS: dict[str, Callable[[object], object]] = {"paths": paths, "target": path, "keep": count}
"""The keys of [backup], each with what reads it."""
