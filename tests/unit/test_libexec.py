"""The programs of the operations' units: root's own look before a cleaner or a repair begins, and how much is kept."""

import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

LIBEXEC = Path(__file__).resolve().parents[2] / "systemd/libexec"
GIB = 1 << 30
BLOCK = 4096


def program(name: str) -> ModuleType:
    loader = SourceFileLoader(name.replace("-", "_"), str(LIBEXEC / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True        # no compiled file beside the program
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module


ill, vacuum, unlimit = program("ill"), program("vacuum-journal"), program("unlimit")


def filesystem(size: int, free: int, reserved: int = 0) -> Any:
    return SimpleNamespace(f_blocks=size // BLOCK, f_bfree=free // BLOCK, f_bavail=(free - reserved) // BLOCK,
                           f_frsize=BLOCK, f_files=0, f_ffree=0, f_favail=0)


@pytest.mark.parametrize(("size", "free", "reserved", "full"), [
    (10 * GIB, 5 * GIB, 0, False),
    (10 * GIB, 2 * GIB, 0, True),                   # exactly 80 %
    (10 * GIB, 2 * GIB + GIB // 2, 0, False),
    (10 * GIB, 3 * GIB, GIB, False),                # df counts what a user has: 7 of 9 is 78 %
    (10 * GIB, 3 * GIB, 2 * GIB, True),             # 7 of 8
    (1000 * GIB, 100 * GIB, 0, False),              # 90 %, but 100 GiB are room enough
    (1000 * GIB, 14 * GIB, 0, True),
    (0, 0, 0, False),
])
def test_full_is_over_the_mark_and_short_of_bytes(size: int, free: int, reserved: int, *, full: bool) -> None:
    assert ill.is_full(filesystem(size, free, reserved), 80, 80) is full


@pytest.mark.parametrize(("files", "free", "reserved", "full"), [
    (1000, 200, 0, True), (1000, 201, 0, False), (1000, 300, 100, False), (1000, 300, 200, True),
    (0, 0, 0, False),           # btrfs counts none
])
def test_a_file_system_is_full_too_where_its_inodes_are(files: int, free: int, reserved: int, *, full: bool) -> None:
    fs = SimpleNamespace(**{**vars(filesystem(10 * GIB, 9 * GIB)), "f_files": files, "f_ffree": free,
                            "f_favail": free - reserved})
    assert ill.is_full(fs, 80, 80) is full


@pytest.mark.parametrize(("text", "mark"), [
    ("", 80), ("[marks]\ndisk = 50\n", 50), ("[marks]\ninodes = 50\n", 80), ("[marks]\ndisk = true\n", 80),
    ("[marks]\ndisk = -1\n", 80), ("marks = 3\n", 80), ("[marks\n", 80),
])
def test_the_mark_is_root_s_or_the_built_in_one(tmp_path: Path, text: str, mark: int) -> None:
    file = tmp_path / "helper.toml"
    file.write_text(text)
    assert ill.mark(file, "disk") == mark
    assert ill.mark(tmp_path / "absent", "disk") == 80


@pytest.mark.parametrize(("line", "want"), [
    ("", (0o1777, 0, 0)),
    ("d /tmp 1777 root root 10d", (0o1777, 0, 0)),
    ("D /tmp 0700 root root", (0o700, 0, 0)),
    ("q /tmp 1777 - - 10d", (0o1777, 0, 0)),
    ("d /tmp - 12 34", (0o1777, 12, 34)),                                   # what is unsaid stays
    ("e /tmp - - - 10d", (0o1777, 0, 0)),                                   # an age alone
    ("d %T 1770 root root", (0o1770, 0, 0)),
    ("d /tmp/ 1770 root root", (0o1770, 0, 0)),
    ('d "/tmp" 1770 root root', (0o1770, 0, 0)),
    ("d /tmp 1770 root root\nd /tmp 1700 root root", (0o1770, 0, 0)),       # of two that make it the first counts
    ("z /tmp 1700 - -\nd /tmp 1770 root root", (0o1700, 0, 0)),             # what adjusts comes after
    ("d /tmpfiles 0700 root root\nd /tmp/x 0700 root root", (0o1777, 0, 0)),
    ("d! /tmp 0700 root root", (0o1777, 0, 0)),                             # for the boot alone: as it is
])
def test_what_tmpfiles_wants_of_a_folder(line: str, want: tuple[int, int, int]) -> None:
    assert ill.wanted(Path("/tmp"), line.splitlines()) == want


@pytest.mark.parametrize("line", [
    "d /tmp ~1777 root root", "d /tmp :1777 root root", "d /tmp 1777 nobody-of-that-name root"])
def test_a_line_that_is_not_ours_to_judge_leaves_the_folder_right(line: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert ill.wanted(tmp_path, [line.replace("/tmp", str(tmp_path))]) == (0o700, os.getuid(), os.getgid())


def test_a_folder_without_a_journal_is_none(tmp_path: Path) -> None:
    (tmp_path / "with/1234").mkdir(parents=True)
    (tmp_path / "with/1234/system.journal").touch()
    (tmp_path / "without").mkdir()
    assert ill.journals((tmp_path / "with", tmp_path / "without", tmp_path / "absent")) == [tmp_path / "with"]
    assert vacuum.lies_in(tmp_path / "with")
    assert not vacuum.lies_in(tmp_path / "absent")


def test_a_tenth_of_the_disk_is_kept_and_never_more_than_200_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vacuum.os, "statvfs", lambda _: filesystem(300 << 20, 0))
    assert vacuum.keep(Path("/")) == 30 << 20
    monkeypatch.setattr(vacuum.os, "statvfs", lambda _: filesystem(500 * GIB, 0))
    assert vacuum.keep(Path("/")) == 200 * 10 ** 6


@pytest.mark.parametrize("words", [[], ["disk"], ["disk", "home"], ["permissions", "/etc"]])
def test_who_cannot_tell_says_255_in_one_line(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-I", str(LIBEXEC / "ill"), *words], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 255
    assert done.stdout == ""
    assert done.stderr.startswith("ill: cannot tell: ")
    assert done.stderr.count("\n") == 1


HEADER = "# This is a drop-in unit file extension, created via \"systemctl set-property\"\n# Do not edit.\n"
SHOP = "shop@1\\x2d2.service"


@pytest.mark.parametrize(("name", "value", "text", "left"), [
    ("MemoryHigh", 2 ** 64 - 1, "[Service]\nMemoryHigh=infinity\n", False),
    ("MemoryHigh", 4096, "[Service]\nMemoryHigh=4096\n", False),
    ("CPUWeight", 2 ** 64 - 1, "[Service]\nCPUWeight=\n", False),
    ("MemoryHigh", 4096, "[Service]\nMemoryHigh=8192\n", True),                # an administrator's set-property
    ("MemoryHigh", 4096, "[Service]\nMemoryHigh=4096\nNice=5\n", True),        # an administrator's own file
    ("CPUWeight", 20, "[Service]\nMemoryHigh=20\n", True),
])
def test_exactly_our_drop_in_is_removed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int, text: str, *, left: bool) -> None:
    monkeypatch.setattr(unlimit, "CONTROL", tmp_path)
    folder = tmp_path / f"{SHOP}.d"
    folder.mkdir()
    (folder / f"50-{name}.conf").write_text(HEADER + text)
    unlimit.main(f"{name}:{value}:{SHOP}")
    assert folder.exists() is left
    unlimit.main(f"{name}:{value}:{SHOP}")      # nothing to do is well


def test_what_others_set_beside_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlimit, "CONTROL", tmp_path)
    (folder := tmp_path / f"{SHOP}.d").mkdir()
    (folder / "50-MemoryHigh.conf").write_text("[Service]\nMemoryHigh=4096\n")
    (folder / "50-CPUQuota.conf").write_text("[Service]\nCPUQuota=20%\n")
    unlimit.main(f"MemoryHigh:4096:{SHOP}")
    assert [path.name for path in folder.iterdir()] == ["50-CPUQuota.conf"]


@pytest.mark.parametrize("limit", ["", "MemoryHigh:1", "MemoryMax:1:a.service", "MemoryHigh:1:../../etc/a.service",
                                   "MemoryHigh:x:a.service", "MemoryHigh:1:a.socket", "MemoryHigh:1:a.service\n"])
def test_what_is_no_limit_of_ours_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="usage"):
        unlimit.main(limit)
