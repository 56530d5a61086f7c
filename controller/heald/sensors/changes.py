"""What was changed before something went wrong: a NixOS generation, packages, a unit's files. By what is on disk."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from ..stories import Change
from .generations import LINK

BEFORE = 86400.0            # seconds that count as "just before"
TAIL = 512 << 10            # bytes read of a package manager's log: thousands of packages
MOST = 16                   # changes that are told
LOOKS = 400                 # files that are looked at
LISTS = 100                 # packages of which it is looked up whether the unit's files are theirs
LIST = 256 << 10            # bytes of a list of a package's files; no service has a longer one

LOGS = (
    ("var/log/dpkg.log", re.compile(
        r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?P<did>install|upgrade|remove|purge) (?P<name>[^\s:]+)\S* "
        r"(?P<old>\S+) (?P<new>\S+)")),
    ("var/log/dnf.rpm.log", re.compile(
        r"(?P<at>\S+) SUBDEBUG (?P<did>Installed|Upgrade|Downgrade|Reinstall|Erase): (?P<name>\S+)(?P<old>)(?P<new>)")),
    ("var/log/pacman.log", re.compile(
        r"\[(?P<at>[^\]]+)\] \[ALPM\] (?P<did>installed|upgraded|downgraded|reinstalled|removed) (?P<name>\S+) "
        r"\((?P<old>[^ )]+)(?: -> (?P<new>[^ )]+))?\)")),
)
"""Where a package manager says what it did, and a line of it: dpkg in local time, the others with their offset."""

def read(files: Iterable[str], began: float, root: Path = Path("/")) -> tuple[tuple[Change, ...], int]:
    """The changes in the day before `began` (seconds since the epoch), the newest first, and how many more there were.

    Generations and the unit's own `files` and packages come before what else was installed when not all can be told.
    """
    paths = list(dict.fromkeys(files))
    own = [*_generations(root, began), *_files(paths, root, began)]
    packages = sorted(_packages(root, began), key=lambda change: -change.at)
    theirs = _owners(paths, packages[:LISTS], root)
    packages.sort(key=lambda change: change.what not in theirs)
    packages = [Change(p.at, p.kind, p.what, f"{p.detail}; the unit's own files are part of it")
                if p.what in theirs else p for p in packages]
    found = [*own, *packages]
    return tuple(sorted(found[:MOST], key=lambda change: -change.at)), max(0, len(found) - MOST)


def _in_time(at: float, began: float) -> bool:
    return began - BEFORE <= at <= began + 1


def _generations(root: Path, began: float) -> Iterator[Change]:
    profiles = root / "nix/var/nix/profiles"
    with suppress(OSError):
        for link in profiles.iterdir():
            if (number := LINK.fullmatch(link.name)) and _in_time(at := link.lstat().st_mtime, began):
                yield Change(at, "generation", number[1], "the NixOS generation was built")
    with suppress(OSError):
        if _in_time(at := (root / "run/current-system").lstat().st_mtime, began) and profiles.is_dir():
            yield Change(at, "generation", "current", f"the system was switched to {_generation(profiles, root)}")


def _generation(profiles: Path, root: Path) -> str:
    """The number of the generation that is the current system, or where it lies."""
    current = os.readlink(root / "run/current-system")
    for link in profiles.iterdir():
        if (number := LINK.fullmatch(link.name)) and os.readlink(link) == current:
            return f"generation {number[1]}"
    return current


def _files(paths: Iterable[str], root: Path, began: float) -> list[Change]:
    """Those whose inode or contents were changed in time: also an older file that was put in place of another."""
    found = {}
    looks = iter(range(LOOKS))
    for path in paths:
        for file in _below(root / path.lstrip("/")):
            if next(looks, None) is None:
                break
            with suppress(OSError):
                at = max(file.lstat().st_ctime, file.stat().st_ctime)
                if _in_time(at, began):
                    what = os.fsencode(f"/{file.relative_to(root)}").decode(errors="backslashreplace")
                    found[what] = Change(at, "file", what, "was written, or put in place")
    return sorted(found.values(), key=lambda change: -change.at)[:MOST // 2]


def _below(path: Path) -> Iterator[Path]:
    """A regular file itself, the regular files below a folder."""
    with suppress(OSError):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            for folder, _, names in os.walk(path):
                yield from (file for name in sorted(names) if (file := Path(folder, name)).is_file())
        elif stat.S_ISREG(mode):
            yield path


def _packages(root: Path, began: float) -> Iterator[Change]:
    for log, pattern in LOGS:
        for file in (root / f"{log}.1", root / log):
            for line in _tail(file, began):
                if found := pattern.match(line):
                    with suppress(ValueError):
                        at = datetime.fromisoformat(found["at"]).timestamp()
                        if _in_time(at, began):
                            yield Change(at, "package", found["name"], _did(found))


def _did(found: re.Match[str]) -> str:
    old, new = (found[key] if found[key] and found[key] != "<none>" else "" for key in ("old", "new"))
    versions = f"{old} to {new}" if old and new and old != new else new or old
    return f"{found['did'].lower()} {versions}".rstrip()


def _tail(file: Path, began: float) -> Iterator[str]:
    """The last whole lines of a log, one after the other; none where it was not written in time."""
    with suppress(OSError), file.open("rb") as log:
        facts = os.fstat(log.fileno())
        if facts.st_mtime < began - BEFORE:
            return
        if facts.st_size > TAIL:
            log.seek(-TAIL, os.SEEK_END)
            log.readline()
        for line in log:
            yield line.decode(errors="replace")


def _owners(paths: Iterable[str], packages: Iterable[Change], root: Path) -> set[str]:
    """The names of those to which one of the files belongs, by dpkg's lists; /lib is /usr/lib."""
    wanted = {path.removeprefix("/usr") for path in paths}
    names, theirs = {change.what for change in packages}, set()
    with suppress(OSError):
        for entry in os.scandir(root / "var/lib/dpkg/info"):
            name = entry.name.partition(".list")[0].partition(":")[0]
            if name in names and entry.name.endswith(".list") and entry.stat().st_size <= LIST:
                lines = Path(entry.path).read_text(errors="replace").splitlines()
                theirs |= {name} if wanted & {line.removeprefix("/usr") for line in lines} else set()
    return theirs
