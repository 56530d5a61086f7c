"""What is mounted where, as proc(5)'s mountinfo has it, and which of it may hang."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAY_HANG = re.compile(r"fuse.*|nfs.*|cifs|smb.*|9p|ceph|afs|glusterfs|lustre|gfs2|ocfs2|virtiofs")
"""Types of file system whose answer another machine or program gives, or does not give."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mountinfo. Paths may hold any byte (surrogateescape)."""

    point: str
    device: str         # as the kernel names it: /dev/sda1, tank/home, tmpfs
    backing: str        # equal for two mounts of one device, or of one pool
    fstype: str
    writable: bool      # of the super block: a sandbox makes every mount look read-only


def table() -> str:
    """The file as it is now."""
    return Path("/proc/self/mountinfo").read_text("utf-8", errors="surrogateescape")


def hangs(path: str, mountinfo: str) -> bool:
    """Whether to look at an absolute path may wait for another machine for ever, or have autofs mount something."""
    mount = _holding(path, mountinfo)
    return mount is not None and (mount.fstype == "autofs" or MAY_HANG.fullmatch(mount.fstype) is not None)


def backing(path: str, mountinfo: str) -> str:
    """The backing of the mount on which an absolute path without links lies; "" when none does."""
    mount = _holding(path, mountinfo)
    return mount.backing if mount else ""


@lru_cache(maxsize=16)
def _holding(path: str, mountinfo: str) -> Mount | None:
    """The mount on which it lies: asked of the same folders at each look, in a table that is nearly always the same."""
    holding = (mount for mount in on_top(mountinfo).values() if below(path, (mount.point,)))
    return max(holding, key=lambda mount: len(mount.point), default=None)


@lru_cache(maxsize=1)
def on_top(mountinfo: str) -> dict[str, Mount]:
    """Every mount by its point; of several on one point the last, which hides the others."""
    return {mount.point: mount for mount in map(_parse, mountinfo.split("\n")) if mount is not None}


def _parse(line: str) -> Mount | None:
    if not line:
        return None
    front, _, back = line.partition(" - ")
    _id, _parent, number, _root, point = front.split(" ")[:5]
    fstype, device, options = back.split(" ", 2)
    device = _unescape(device)
    return Mount(point=_unescape(point), device=device, fstype=fstype, writable="ro" not in options.split(","),
                 backing=device.partition("/")[0] if fstype == "zfs" else number)


def _unescape(text: str) -> str:
    """The kernel writes space, tab, newline and backslash as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def below(point: str, folders: tuple[str, ...]) -> bool:
    return any(point == folder or point.startswith(folder.rstrip("/") + "/") for folder in folders)
