"""Which mounts are watched: parsing of /proc/self/mountinfo, on lines as kernels write them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from heald import mounts
from heald.bus.unit import latest_change
from heald.sensors import storage
from heald.written import in_one_line


def points(*lines: str) -> list[str]:
    return [mount.point for mount in storage.watched("\n".join(lines) + "\n")]


ROOT = "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro"


@pytest.mark.parametrize("fstype", ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs"])
def test_a_disk_is_watched(fstype: str) -> None:
    assert points(f"25 1 8:1 / /srv rw - {fstype} /dev/sda1 rw") == ["/srv"]


@pytest.mark.parametrize("line", [
    "30 25 0:27 / /proc/sys/fs/binfmt_misc rw shared:13 - autofs systemd-1 rw,fd=29,pgrp=1",
    "31 25 7:0 / /snap/core/1 ro,nodev - squashfs /dev/loop0 ro,errors=continue",
    "32 25 0:50 / /mnt/s rw - fuse.sshfs a:/ rw,user_id=0",
    "33 25 0:51 / /mnt/n rw - nfs4 srv:/x rw,vers=4.2",
    "34 25 0:52 / /var/lib/docker/overlay2/a/merged rw - overlay overlay rw,lowerdir=/x",
    "35 25 8:17 / /media/stick rw - vfat /dev/sdb1 rw",
    "36 25 0:30 / /proc rw - proc proc rw",
    "37 25 11:0 / /media/cd ro - iso9660 /dev/sr0 ro",
])
def test_what_could_hang_or_is_not_ours_is_not_watched(line: str) -> None:
    assert points(ROOT, line) == ["/"]


@pytest.mark.parametrize(("point", "seen"), [
    ("/tmp", True), ("/run", True), ("/run/lockers", True), ("/dev", False), ("/dev/shm", False),
    ("/sys/fs/cgroup", False), ("/run/user/1000", False), ("/run/lock", False), ("/run/credentials/a.service", False),
])
def test_tmpfs_is_watched_but_where_the_system_keeps_its_own(point: str, seen: bool) -> None:
    assert points(f"40 25 0:35 / {point} rw - tmpfs tmpfs rw,size=100k") == ([point] if seen else [])


def test_vfat_is_watched_on_boot_and_the_esp() -> None:
    assert points(*(f"5{at} 25 8:{at} / {point} rw - vfat /dev/sda{at} rw"
                    for at, point in enumerate(["/boot", "/boot/efi", "/efi", "/bootleg"]))) == [
                        "/boot", "/boot/efi", "/efi"]


def test_an_automount_that_has_mounted_counts_as_what_it_mounted() -> None:
    assert points("50 25 0:40 / /boot rw - autofs systemd-1 rw",
                  "51 50 8:2 / /boot rw - vfat /dev/sda2 rw") == ["/boot"]


def test_overlay_is_watched_as_root_alone() -> None:
    assert points("1 0 0:60 / / rw - overlay overlay rw,lowerdir=/a", "2 1 0:61 / /x rw - overlay overlay rw") == ["/"]


def test_the_super_block_says_what_is_writable_not_the_mount() -> None:
    assert points("1 0 8:1 / / ro,relatime - ext4 /dev/sda1 rw") == ["/"]
    assert points("1 0 8:1 / / rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro") == []


def test_octal_escapes_are_read_and_odd_line_ends_are_not() -> None:
    assert points("1 0 8:1 / /a\\040b\\134c\\012d\x85e rw - xfs /dev/sda1 rw") == ["/a b\\c\nd\x85e"]


def test_optional_fields_may_be_none_or_many() -> None:
    assert points("1 0 8:1 / /a rw master:1 propagate_from:2 unbindable - xfs /dev/sda1 rw",
                  "2 0 8:2 / /b rw - xfs  rw") == ["/a", "/b"]


def test_a_containers_view_of_its_host_is_not_watched() -> None:
    assert points("1 0 8:1 /os /run/host/os-release rw - ext4 /dev/sda1 rw", "2 0 8:1 / /run/host rw - ext4 x rw") == []


def test_below_a_network_mount_nothing_is_looked_at() -> None:
    assert points("1 0 0:50 / /net rw - nfs srv:/ rw", "2 1 8:1 / /net/disk rw - ext4 /dev/sda1 rw") == []


def test_the_later_mount_hides_the_earlier_one() -> None:
    assert points("1 0 0:2 / / rw - tmpfs rootfs rw", ROOT) == ["/"]
    [mount] = storage.watched("1 0 0:2 / / rw - tmpfs rootfs rw\n" + ROOT)
    assert mount.fstype == "ext4"


def backings(*lines: str) -> list[str]:
    return [mount.backing for mount in storage.watched("\n".join(lines))]


def test_one_backing_for_subvolumes_bind_mounts_and_pools() -> None:
    assert backings("1 0 0:33 /@ / rw - btrfs /dev/sda2 rw,subvol=/@",
                    "2 1 0:33 /@home /home rw - btrfs /dev/sda2 rw,subvol=/@home") == ["0:33", "0:33"]
    assert backings(ROOT, "3 1 8:1 /srv/www /var/www rw - ext4 /dev/sda1 rw") == ["8:1", "8:1"]
    assert backings("1 0 0:40 / / rw - zfs tank/root rw", "2 0 0:41 / /home rw - zfs tank/home rw",
                    "3 0 0:42 / /p rw - zfs pool rw") == ["tank", "tank", "pool"]


def test_reading_this_machine_agrees_with_statvfs() -> None:
    found = storage.read()
    assert len({filesystem.mount for filesystem in found}) == len(found)
    for filesystem in found:
        sizes = os.statvfs(filesystem.mount)
        assert filesystem.size == sizes.f_blocks * sizes.f_frsize
        assert 0 <= filesystem.used <= filesystem.size
        assert 0.0 <= filesystem.percent <= 100.0


def test_a_file_is_no_mount_to_watch_and_its_folder_is_found_instead(tmp_path: Path,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    folder.mkdir()
    text = "\n".join(f"1 0 8:1 / {point} rw - ext4 /dev/sda1 rw" for point in (file, tmp_path / "gone", folder))
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    [filesystem] = storage.read()
    assert filesystem.mount == str(folder)


def test_a_mount_point_that_is_no_text_can_be_told_and_stored() -> None:
    assert in_one_line("/mnt/\udcffx") == "/mnt/\\xffx"
    assert in_one_line("/mnt/a\nb\x1b[31m") == "/mnt/a\\nb\\x1b[31m"
    assert in_one_line("/mnt/über uns") == "/mnt/über uns"


def test_the_holding_mount_is_the_deepest_one_on_top() -> None:
    table = "\n".join([ROOT, "2 25 8:2 / /var rw - xfs /dev/sda2 rw", "3 25 8:3 / /va rw - xfs /dev/sda3 rw",
                       "4 25 0:9 / /tmp rw - tmpfs tmpfs rw", "5 25 0:10 / /tmp rw - nfs srv:/ rw"])
    assert mounts.backing("/var/log/journal", table) == "8:2"
    assert mounts.backing("/var", table) == "8:2"
    assert mounts.backing("/usr", table) == "8:1"
    assert mounts.backing("/tmp", table) == "0:10"
    assert mounts.backing("/x", "") == ""


def test_what_lies_on_a_server_or_on_what_autofs_would_mount_is_not_looked_at(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "nfs", "auto"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "program").touch()
    table = "\n".join([ROOT, f"2 25 0:50 / {tmp_path}/nfs rw - nfs4 srv:/ rw",
                       f"3 25 0:51 / {tmp_path}/auto rw - autofs systemd-1 rw"])
    looked: list[str] = []

    def look(path: str, stat: Callable[[str], os.stat_result] = os.lstat) -> os.stat_result:
        looked.append(path)
        return stat(path)

    monkeypatch.setattr(mounts, "table", lambda: table)
    monkeypatch.setattr(os, "lstat", look)
    assert latest_change([f"{tmp_path}/{name}/program" for name in ("nfs", "here", "auto")]) > 0
    assert looked == [f"{tmp_path}/here/program"]


def test_a_file_system_knows_which_cleaners_free_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("cache", "real", "journal"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tmp").symlink_to(tmp_path / "real")
    monkeypatch.setattr(storage, "_CLEANED", {
        "resource/clean-packages": (str(tmp_path / "cache"), str(tmp_path / "absent")),
        "resource/clean-temporary": (str(tmp_path / "tmp"),),
        "resource/vacuum-journal": (str(tmp_path / "journal"), str(tmp_path / "cache")),
    })
    text = "\n".join(f"1 0 {device} / {tmp_path}{point} rw - ext4 /dev/x rw" for device, point in (
        ("8:1", ""), ("8:2", "/real"), ("8:3", "/journal")))
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    assert [sorted(fs.frees or ()) for fs in storage.read()] == [
        ["resource/clean-packages", "resource/vacuum-journal"], ["resource/clean-temporary"],
        ["resource/vacuum-journal"]]


@pytest.mark.parametrize("line", [
    "38 25 0:60 / /mnt/u rw - ubifs ubi0 rw", "39 25 0:61 / /sys/kernel/debug rw - debugfs debugfs rw",
    "40 25 0:62 / /mnt/g rw - fuseblk /dev/sdb1 rw", "41 25 0:63 / /mnt/c rw - cifs //srv/a rw",
    "42 25 0:64 / /host rw - 9p host rw", "43 25 0:65 / /x rw - ramfs ramfs rw",
    "44 25 8:33 / /mnt/vfat rw - vfat /dev/sdc1 rw",
])
def test_all_else_is_not_watched(line: str) -> None:
    assert points(ROOT, line) == ["/"]


def test_a_read_only_mount_of_a_writable_file_system_is_watched_and_a_read_only_file_system_is_not() -> None:
    assert points("1 0 8:1 / /a ro - xfs /dev/sda1 rw") == ["/a"]
    assert points("1 0 8:1 / /a rw - xfs /dev/sda1 ro") == []
