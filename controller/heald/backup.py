"""Backups: a snapshot is a folder of plain files, made by rsync(1); what did not change is a hard link to the last one.

TARGET/2026-11-26T00-42-10Z/home/alice/letters/… is what /home/alice/letters was then; cp(1) gives it back. A snapshot
is built under a hidden name, written out to the disk, and gets its own name by one rename; it loses it by one rename
before it is removed. So whatever has the name of a snapshot is whole, wherever the work was interrupted.
"""

import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from heald import rsync
from heald.copies import Copies
from heald.errors import Code, HealdError
from heald.rsync import Say

STAMP = "%Y-%m-%dT%H-%M-%SZ"
NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z")
NEW, OLD = ".new-", ".old-"     # before the name of one that is not whole yet, or not whole any more
CHUNK = 1 << 20                 # bytes read at once


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One that is whole: `made` in seconds since the epoch."""

    name: str
    made: float
    path: Path


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read of a snapshot. `damaged`: paths, each with what is wrong."""

    snapshot: Snapshot
    files: int
    changed: int                # since then, where they came from
    gone: int                   # where they came from
    damaged: tuple[tuple[str, str], ...]


class Backups:
    """The snapshots of one target. Methods raise HealdError, or the OSError of a file that is in the way."""

    def __init__(self, copies: Copies, say: Say) -> None:
        if not copies.paths or not copies.target:
            raise HealdError(Code.CONFIG, "there is nothing to back up yet: name paths and a target below [backup]")
        self.target = _home(copies.target)
        self._paths, self._keep, self._say = [_home(path) for path in copies.paths], copies.keep, say

    def snapshots(self) -> list[Snapshot]:
        """All that are whole, the newest first."""
        self._there()
        names = sorted((name for name in os.listdir(self.target) if NAME.fullmatch(name)), reverse=True)
        return [Snapshot(name, _moment(name), self.target / name) for name in names]

    def snapshot(self, name: str) -> Snapshot:
        """The one of this name, or with "" the newest; HealdError(INVALID_ARGS) when there is none."""
        for one in self.snapshots():
            if name in {"", one.name}:
                return one
        missing = f"there is no snapshot {name} in {self.target}" if name else f"{self.target} holds no snapshot yet"
        raise HealdError(Code.INVALID_ARGS, f"{missing}; see: healctl backup list")

    def create(self) -> tuple[Snapshot, list[Snapshot]]:
        """A new snapshot, and those that were removed since more than `keep` are there."""
        self._sound()
        with self._locked(fcntl.LOCK_EX) as folder:
            for name in os.listdir(self.target):
                if name.startswith((NEW, OLD)) and NAME.fullmatch(name[len(NEW):]):
                    _remove(self.target / name)         # somebody was interrupted
            before = self.snapshots()
            name = self._unused()
            new = self.target / (NEW + name)
            new.mkdir(mode=0o700)                       # what nobody else may read there, nobody may read here
            try:
                links = [f"--link-dest={before[0].path}"] if before else []
                paths = [*map(str, self._paths), f"{new}/"]
                rsync.copy(["--relative", "-F", *links], paths, self.target, folder, self._say)
            except BaseException:
                _remove(new)
                raise
            new.rename(self.target / name)
            os.fsync(folder)
            surplus = before[self._keep - 1:]           # never the new one, whatever the clock says
            for one in surplus:
                hidden = self.target / (OLD + one.name)
                one.path.rename(hidden)
                _remove(hidden)
            return self.snapshot(name), surplus

    def restore(self, path: Path, name: str) -> tuple[Snapshot, Path | None]:
        """Puts back what `path` was. What it overwrites is kept in the folder that is returned; nothing is removed."""
        with self._locked(fcntl.LOCK_SH) as folder:
            one = self.snapshot(name)
            source = one.path / path.relative_to("/")
            if not path.name or not os.path.lexists(source):
                raise HealdError(Code.INVALID_ARGS, f"{path} is not in snapshot {one.name}; look below {one.path}")
            if not path.parent.is_dir():
                raise HealdError(Code.FAILED, f"{path.parent} is missing: restore that, or make it")
            while (kept := path.with_name(f"{path.name}.before-{_now()}")).exists():
                time.sleep(0.1)
            # By contents: what was damaged has its size and its time still.
            options = ["--checksum", "--backup", f"--backup-dir={kept}"]
            rsync.copy(options, [str(source), f"{path.parent}/"], path.parent, folder, self._say)
            return one, kept if kept.exists() else None

    def verify(self, name: str) -> Verified:
        """Reads every file of a snapshot, and compares those that did not change since with where they came from."""
        with self._locked(fcntl.LOCK_SH):
            one = self.snapshot(name)
            files = changed = gone = 0
            damaged = []
            for copy in _files(one.path):
                path = "/" / copy.relative_to(one.path)
                files += 1
                self._say(f"{files} files read")
                try:
                    state = _state(copy, path)
                except OSError as error:
                    damaged.append((str(path), f"cannot be read: {error.strerror}"))
                    continue
                changed, gone = changed + (state == "changed"), gone + (state == "gone")
                if state == "damaged":
                    damaged.append((str(path), "has other contents, and the same size and time"))
            return Verified(one, files, changed, gone, tuple(damaged))

    def _there(self) -> os.stat_result:
        try:
            found = self.target.stat()
        except OSError as error:
            said = f"{self.target}: {error.strerror}; make that folder, or mount its disk"
            raise HealdError(Code.FAILED, said) from None
        if not stat.S_ISDIR(found.st_mode):
            raise HealdError(Code.CONFIG, f"{self.target} is no folder: name one in backup.target")
        return found

    def _sound(self) -> None:
        """HealdError where a backup would be refused, half, or not safe from others."""
        found = self._there()
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise HealdError(Code.ACCESS_DENIED, f"{self.target} must be yours, and nobody else may write there: "
                                                 "chown and chmod 700 it, or make another")
        target = self.target.resolve()
        for path in self._paths:
            if not path.exists():
                raise HealdError(Code.FAILED, f"{path} is missing: make it, or take it out of backup.paths")
            if (real := path.resolve()) != path:
                raise HealdError(Code.CONFIG, f"{path} is a link: write {real} in backup.paths")
            if target.is_relative_to(real) or real.is_relative_to(target):
                raise HealdError(Code.CONFIG, f"{self.target} and {path} lie in each other: name another backup.target")

    @contextmanager
    def _locked(self, kind: int) -> Iterator[int]:
        """The target's folder, locked. rsync holds it too: it may outlive us for a moment."""
        self._there()
        folder = os.open(self.target, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(folder, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HealdError(Code.BUSY, f"another backup is at work in {self.target}: wait for its end") from None
            yield folder
        finally:
            os.close(folder)

    def _unused(self) -> str:
        while (self.target / (name := _now())).exists():
            time.sleep(0.1)
        return name


def _home(path: str) -> Path:
    try:
        return Path(os.path.normpath(Path(path).expanduser()))
    except RuntimeError:
        raise HealdError(Code.CONFIG, f"{path}: there is no home folder here; write the whole path") from None


def _now() -> str:
    return datetime.now(UTC).strftime(STAMP)


def _moment(name: str) -> float:
    return datetime.strptime(name, STAMP).replace(tzinfo=UTC).timestamp()


def _files(folder: Path) -> Iterator[Path]:
    """Every regular file below."""
    for place, _, names in os.walk(folder, onerror=_raise):
        for name in sorted(names):
            if stat.S_ISREG((found := Path(place, name)).lstat().st_mode):
                yield found


def _raise(error: OSError) -> None:
    raise error


def _state(copy: Path, path: Path) -> str:
    """"same", "changed", "gone" or "damaged"; OSError where the copy cannot be read to its end."""
    with copy.open("rb") as kept:
        try:
            live = path.open("rb") if stat.S_ISREG(path.lstat().st_mode) else None
        except OSError:
            live = None
        if live is None:
            while kept.read(CHUNK):
                pass
            return "gone"
        with live:
            same = True
            while chunk := kept.read(CHUNK):
                same = live.read(len(chunk)) == chunk and same
            if same and not live.read(1):
                return "same"
            # Looked at afterwards: who writes there meanwhile has changed it.
            now, then = os.fstat(live.fileno()), os.fstat(kept.fileno())
            return "damaged" if (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns) else "changed"


def _remove(folder: Path) -> None:
    """A tree with all that is in it. Its owner may have taken their own right to write in a folder away."""
    folder.chmod(0o700)
    for place, names, _ in os.walk(folder):
        for name in names:
            if not (found := Path(place, name)).is_symlink():
                found.chmod(0o700)
    shutil.rmtree(folder)
