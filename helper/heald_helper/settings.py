"""Root's own file /etc/heald/helper.toml. Only root can write it, so it may name what the controller cannot."""

import sys
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

FILE = Path("/etc/heald/helper.toml")
TABLES = {"marks": ("disk", "inodes"), "limits": ("per_hour", "burst", "refill", "rollbacks_per_day")}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file may say, and what holds where it does not."""

    protected: tuple[str, ...] = ()     # globs of units that are never touched, besides the built-in ones
    may_restart: tuple[str, ...] = ()   # globs of units that may be restarted or reloaded while they are active
    run: tuple[str, ...] = ()           # NAMEs of root's own heald-run-NAME.service
    auto_rollback: bool = False
    keep_generations: int = 5
    keep_days: int = 30
    disk: int = 80                      # per cent used from which a cleaner may clean
    inodes: int = 80
    per_hour: int = 60                  # actions for the controller in an hour
    burst: int = 3                      # of one operation on one target at once, then
    refill: int = 300                   # one each so many seconds
    rollbacks_per_day: int = 3


def load(path: Path = FILE) -> tuple[Settings, str]:
    """The settings, and one line that says what is wrong with the file ("" = nothing).

    A key that is unknown or of the wrong type leaves its built-in value in force; the others count all the same,
    so that a slip of the pen in one does not lift the protection that another gives.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, ValueError) as error:
        return Settings(), f"{path}: {error}; the built-in limits are in force"
    builtin = {field.name: getattr(Settings(), field.name) for field in fields(Settings)}
    given: dict[str, Any] = {}
    wrong = []
    for key, field, value in _flat(table):
        known = builtin.get(field)
        if known is None:
            wrong.append(f"{key} is not known")
        elif isinstance(known, tuple) and isinstance(value, list) and all(type(item) is str for item in value):
            given[field] = tuple(value)
        elif type(known) is type(value) and value >= 0:
            given[field] = value
        else:
            wrong.append(f"{key} is of the wrong type")
    return Settings(**given), f"{path}: {', '.join(wrong)}; the built-in value is in force" if wrong else ""


def _flat(table: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """(dotted key, name of its field in Settings or "", value) for each key of the file."""
    rows: list[tuple[str, str, Any]] = []
    for key, value in table.items():
        inner = TABLES.get(key)
        if inner and isinstance(value, dict):
            rows += [(f"{key}.{name}", name if name in inner else "", item) for name, item in value.items()]
        else:
            rows.append((key, "" if inner or any(key in names for names in TABLES.values()) else key, value))
    return rows


class File:
    """The file as it is now; what is wrong with it is said once, on stderr."""

    def __init__(self, path: Path = FILE) -> None:
        self._path, self._said = path, ""

    def read(self) -> Settings:
        settings, wrong = load(self._path)
        if wrong and wrong != self._said:
            sys.stderr.write(f"{wrong}\n")
        self._said = wrong
        return settings
