"""The file systems that heald watches: one for each backing device or pool, and none that could hang.

Autofs would mount, FUSE and network file systems may hang for ever, a container's overlays repeat their host's disk.
"""

import os
import stat
from dataclasses import replace
from functools import lru_cache

from .. import mounts
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


def read() -> tuple[FileSystem, ...]:
    """What is watched, and how full it is; a mount that goes meanwhile, or may not be looked at, is left out."""
    text = mounts.table()
    cleaned = {operation: {mounts.backing(os.path.realpath(folder), text) for folder in folders
                           if not mounts.hangs(folder, text) and os.path.isdir(folder)}
               for operation, folders in _CLEANED.items()}
    found: dict[str, FileSystem] = {}
    for mount in watched(text):
        if mount.backing not in found and (filesystem := _measure(mount)) is not None:
            frees = frozenset(name for name, backings in cleaned.items() if mount.backing in backings)
            found[mount.backing] = replace(filesystem, frees=frees)
    return tuple(found.values())


@lru_cache(maxsize=1)
def watched(mountinfo: str) -> tuple[mounts.Mount, ...]:
    """The mounts of proc(5)'s mountinfo that are watched, in its order; several may share a `backing`.

    The file is nearly always as it was: it is read at each look, and understood once.
    """
    on_top = mounts.on_top(mountinfo)
    hanging = tuple(point for point, mount in on_top.items() if mounts.MAY_HANG.fullmatch(mount.fstype))
    return tuple(mount for mount in on_top.values()
                 if mount.writable and _wanted(mount) and not mounts.below(mount.point, hanging))


def _wanted(mount: mounts.Mount) -> bool:
    if mounts.below(mount.point, _NEVER):
        return False
    match mount.fstype:
        case "tmpfs":
            return not mounts.below(mount.point, _NO_TMPFS)
        case "overlay":
            return mount.point == "/"
        case "vfat":
            return mounts.below(mount.point, _BOOT)
    return mount.fstype in _DISKS


def _measure(mount: mounts.Mount) -> FileSystem | None:
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
