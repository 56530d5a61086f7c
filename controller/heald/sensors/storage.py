"""The file systems that heald watches: one for each backing device or pool, and none that could hang.

Autofs would mount, FUSE and network file systems may hang for ever, a container's overlays repeat their host's disk.
"""

import os
import re
import stat
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ..readings import FileSystem
from ..written import in_one_line

_DISKS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs"})
_BOOT = ("/boot", "/efi")                           # where vfat holds kernels; anywhere else it is somebody's stick
_NO_TMPFS = ("/dev", "/sys", "/proc", "/run/user", "/run/lock", "/run/credentials")
_NEVER = ("/run/host",)                             # a container's view of its host
_CLEANED = {
    "resource/clean-packages": ("/var/cache/apt/archives", "/var/cache/dnf", "/var/cache/libdnf5"),
    "resource/clean-temporary": ("/tmp", "/var/tmp"),       # noqa: S108  what is cleaned, nothing is put there
    "system/collect-garbage": ("/nix/store",),
    "system/drop-generations": ("/nix/store",),
    "resource/vacuum-journal": ("/var/log/journal", "/run/log/journal"),
}
"""Where each cleaner frees; root's own unit looks at the same folders."""

_MAY_HANG = re.compile(r"fuse.*|nfs.*|cifs|smb.*|9p|ceph|afs|glusterfs|lustre|gfs2|ocfs2|virtiofs")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mountinfo. Paths may hold any byte (surrogateescape)."""

    point: str
    device: str         # as the kernel names it: /dev/sda1, tank/home, tmpfs
    backing: str        # equal for two mounts of one device, or of one pool
    fstype: str
    writable: bool      # of the super block: a sandbox makes every mount look read-only


def read() -> tuple[FileSystem, ...]:
    """What is watched, and how full it is; a mount that goes meanwhile, or may not be looked at, is left out."""
    text = Path("/proc/self/mountinfo").read_text("utf-8", errors="surrogateescape")
    cleaned = {operation: {backing(os.path.realpath(folder), text) for folder in folders if os.path.isdir(folder)}
               for operation, folders in _CLEANED.items()}
    found: dict[str, FileSystem] = {}
    for mount in watched(text):
        if mount.backing not in found and (filesystem := _measure(mount)) is not None:
            frees = frozenset(name for name, backings in cleaned.items() if mount.backing in backings)
            found[mount.backing] = replace(filesystem, frees=frees)
    return tuple(found.values())


@lru_cache(maxsize=1)
def watched(mountinfo: str) -> tuple[Mount, ...]:
    """The mounts of proc(5)'s mountinfo that are watched, in its order; several may share a `backing`.

    The file is nearly always as it was: it is read at each look, and understood once.
    """
    on_top = _on_top(mountinfo)
    hanging = tuple(point for point, mount in on_top.items() if _MAY_HANG.fullmatch(mount.fstype))
    return tuple(mount for mount in on_top.values()
                 if mount.writable and _wanted(mount) and not _below(mount.point, hanging))


@lru_cache(maxsize=16)
def backing(path: str, mountinfo: str) -> str:
    """The backing of the mount on which an absolute path without links lies; "" when none does."""
    holding = [mount for mount in _on_top(mountinfo).values() if _below(path, (mount.point,))]
    return max(holding, key=lambda mount: len(mount.point)).backing if holding else ""


@lru_cache(maxsize=1)
def _on_top(mountinfo: str) -> dict[str, Mount]:
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


def _wanted(mount: Mount) -> bool:
    if _below(mount.point, _NEVER):
        return False
    match mount.fstype:
        case "tmpfs":
            return not _below(mount.point, _NO_TMPFS)
        case "overlay":
            return mount.point == "/"
        case "vfat":
            return _below(mount.point, _BOOT)
    return mount.fstype in _DISKS


def _below(point: str, folders: tuple[str, ...]) -> bool:
    return any(point == folder or point.startswith(folder.rstrip("/") + "/") for folder in folders)


def _measure(mount: Mount) -> FileSystem | None:
    try:
        if not stat.S_ISDIR(os.stat(mount.point).st_mode):
            return None
        sizes = os.statvfs(mount.point)
    except OSError:
        return None
    if not sizes.f_blocks:
        return None
    return FileSystem(mount=in_one_line(mount.point), device=in_one_line(mount.device), fstype=mount.fstype,
                      size=sizes.f_blocks * sizes.f_frsize, used=(sizes.f_blocks - sizes.f_bfree) * sizes.f_frsize,
                      available=sizes.f_bavail * sizes.f_frsize, inodes=sizes.f_files, inodes_free=sizes.f_ffree)
