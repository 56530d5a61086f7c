"""The folders for temporary files as they are, and as tmpfiles.d wants them; without a line as 1777 root:root."""

import grp
import os
import pwd
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..readings import PathMode

PATHS = ("/tmp", "/var/tmp")        # noqa: S108  what is looked after, nothing is put there
FOLDERS = ("/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d")
_MAKES, _ADJUSTS = "dDqQv", "ezZ"   # tmpfiles.d(5): the first making line of a path counts, adjusting ones come after
_NAMES = {"%T": "/tmp", "%V": "/var/tmp"}           # noqa: S108  tmpfiles.d's own


def read() -> tuple[PathMode, ...]:
    """One PathMode for each of PATHS that is a directory."""
    return compare(PATHS, list(lines(FOLDERS)))


def compare(paths: Iterable[str], rules: Sequence[str]) -> tuple[PathMode, ...]:
    """The directories among `paths`, each with what `rules` (lines of tmpfiles.d, in their order) want of it."""
    found = []
    for path in paths:
        try:
            now = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISDIR(now.st_mode):
            as_it_is = PathMode(path, stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid)
            found.append(wanted(as_it_is, rules))
    return tuple(found)


def lines(folders: Sequence[str]) -> Iterator[str]:
    """The lines in force: files by name; one in an earlier folder replaces those of the same name in later ones."""
    files = {file.name: file for folder in reversed(folders) for file in Path(folder).glob("*.conf")}
    for name in sorted(files):
        try:
            yield from files[name].read_text("utf-8", errors="replace").splitlines()
        except OSError:
            continue        # masked by a link to nowhere, or not ours to read


def wanted(now: PathMode, rules: Sequence[str]) -> PathMode:
    """`now` with want_mode, want_uid and want_gid as systemd-tmpfiles --create would leave the path."""
    want = (now.want_mode, now.want_uid, now.want_gid)      # root's unit adds such a line where no other makes it
    made = False
    for kind, mode, user, group in sorted(_of_path(now.path, rules), key=lambda rule: rule[0] in _ADJUSTS):
        if kind in _MAKES and made:
            continue
        unsaid = (now.mode, now.uid, now.gid) if kind in _MAKES else want
        try:
            want = (_mode(mode, unsaid[0], now.mode),
                    _owner(user, unsaid[1], now.uid, lambda name: pwd.getpwnam(name).pw_uid),
                    _owner(group, unsaid[2], now.gid, lambda name: grp.getgrnam(name).gr_gid))
        except (KeyError, ValueError):
            continue        # no such user, no such mode: systemd-tmpfiles skips the line, too
        made = True
    return replace(now, want_mode=want[0], want_uid=want[1], want_gid=want[2])


def _of_path(path: str, rules: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    """Kind, mode, user and group of each line about the path."""
    for line in rules:
        fields = [field.strip("\"'") for field in line.split()] + ["-"] * 3
        name = _NAMES.get(fields[1][:2], fields[1][:2]) + fields[1][2:]
        if fields[0][0:1] in tuple(_MAKES + _ADJUSTS) and (name.rstrip("/") or "/") == path:
            at_boot = ":" if "!" in fields[0] else ""       # what is for the boot alone holds for a new path alone
            yield fields[0][0], at_boot + fields[2], at_boot + fields[3], at_boot + fields[4]


def _mode(text: str, unsaid: int, now: int) -> int:
    """Octal; ":" before it: only for a new path; "~": without the bits that nobody has now (tmpfiles.d(5), Mode)."""
    digits = text.lstrip(":~")
    prefix = text.removesuffix(digits)
    if digits == "-":
        return unsaid
    if ":" in prefix:
        return now
    mode = int(digits, 8)
    if "~" in prefix:
        for everyone in (0o444, 0o222, 0o111):
            mode &= ~0 if now & everyone else ~everyone
    return mode


def _owner(text: str, unsaid: int, now: int, number: Callable[[str], int]) -> int:
    """A number or a name; ":" before it: only for a new path."""
    if text == "-":
        return unsaid
    if text.startswith(":"):
        return now
    return int(text) if text.isdecimal() else number(text)
