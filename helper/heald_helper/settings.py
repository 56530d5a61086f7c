"""Root's own file /etc/heald/helper.toml. Only root can write it, so it may name what the controller cannot."""

import os
import tomllib
from typing import Any, NamedTuple

from .loop import tell

FILE = "/etc/heald/helper.toml"
TABLES = {"marks", "limits"}
UNTIL = "until that is mended no unit is touched, and the built-in value holds"


class Settings(NamedTuple):
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
    mistaken: bool = False              # the file has a mistake, and may have meant to protect anything


KEYS = {name: name for name in Settings._fields[:6]} | {
    "marks.disk": "disk", "marks.inodes": "inodes", "limits.per_hour": "per_hour", "limits.burst": "burst",
    "limits.refill": "refill",
}
"""A key of the file -> the setting that it gives."""


def load(path: str = FILE) -> tuple[Settings, str]:
    """The settings, and one line that says what is wrong with the file ("" = nothing).

    A key that is unknown or of the wrong type leaves its built-in value in force, and the others count all the same.
    Whatever the mistake is, no unit is touched until it is mended: it may be in what was to protect that one.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            table = tomllib.load(file)
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, ValueError) as error:
        return Settings(mistaken=True), f"{path}: {getattr(error, 'strerror', error)}; {UNTIL}"
    if status.st_uid or status.st_mode & 0o022:
        return Settings(mistaken=True), f"{path}: others than root may write it; {UNTIL}"
    flat = {key: value for key, value in table.items() if key not in TABLES}
    for name in TABLES & table.keys():
        inner = table[name] if isinstance(table[name], dict) else {"": None}
        flat |= {f"{name}.{key}": value for key, value in inner.items()}
    given: dict[str, Any] = {}
    wrong = []
    for key, value in flat.items():
        builtin = getattr(Settings(), KEYS.get(key, ""), None)
        if builtin is None:
            wrong.append(f"{key} is not known")
        elif type(builtin) is tuple and type(value) is list and all(type(item) is str for item in value):
            given[KEYS[key]] = tuple(value)
        elif type(builtin) is type(value) and value >= 0:
            given[KEYS[key]] = value
        else:
            wrong.append(f"{key} is of the wrong type")
    return Settings(**given, mistaken=bool(wrong)), f"{path}: {', '.join(wrong)}; {UNTIL}" if wrong else ""


class File:
    """The file as it is now; what is wrong with it is said once, on stderr."""

    def __init__(self, path: str = FILE) -> None:
        self._path, self._said = path, ""

    def read(self) -> Settings:
        settings, wrong = load(self._path)
        if wrong and wrong != self._said:
            tell(wrong)
        self._said = wrong
        return settings
