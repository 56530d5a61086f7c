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


ill, vacuum = program("ill"), program("vacuum-journal")


def filesystem(size: int, free: int, reserved: int = 0) -> Any:
    return SimpleNamespace(f_blocks=size // BLOCK, f_bfree=free // BLOCK, f_bavail=(free - reserved) // BLOCK,
                           f_frsize=BLOCK)


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
    assert ill.is_full(filesystem(size, free, reserved), 80) is full


@pytest.mark.parametrize(("text", "mark"), [
    ("", 80), ("[marks]\ndisk = 50\n", 50), ("[marks]\ninodes = 50\n", 80), ("[marks]\ndisk = true\n", 80),
    ("[marks]\ndisk = -1\n", 80), ("marks = 3\n", 80), ("[marks\n", 80),
])
def test_the_mark_is_root_s_or_the_built_in_one(tmp_path: Path, text: str, mark: int) -> None:
    file = tmp_path / "helper.toml"
    file.write_text(text)
    assert ill.mark(file) == mark
    assert ill.mark(tmp_path / "absent") == 80


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
