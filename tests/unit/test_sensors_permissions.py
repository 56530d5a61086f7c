"""What tmpfiles.d wants of /tmp and /var/tmp."""

import os
from pathlib import Path

import pytest

from heald.readings import PathMode
from heald.sensors import permissions

NOW = PathMode("/tmp", 0o755, 7, 8)


def want(*rules: str, now: PathMode = NOW) -> tuple[int, int, int]:
    found = permissions.wanted(now, rules)
    assert (found.mode, found.uid, found.gid) == (now.mode, now.uid, now.gid)
    return found.want_mode, found.want_uid, found.want_gid


def test_without_a_line_it_is_1777_root_root() -> None:
    assert want() == (0o1777, 0, 0)
    assert want("# D /tmp 0700 1 1", "", "D /tmpx 0700 1 1", "x /tmp/systemd-private-*", "D! /tmp/.X11-unix 0700") == (
        0o1777, 0, 0)


@pytest.mark.parametrize("kind", ["d", "D", "q", "Q", "v", "e", "d="])
def test_a_line_says_mode_user_and_group(kind: str) -> None:
    assert want(f"{kind} /tmp 1770 3 4 10d") == (0o1770, 3, 4)


def test_names_are_looked_up() -> None:
    assert want("d /tmp 1777 daemon root -") == (0o1777, 1, 0)


@pytest.mark.parametrize("line", ["d /tmp", "d /tmp - - - -", 'd "/tmp/" -'])
def test_what_a_making_line_leaves_open_stays_as_it_is(line: str) -> None:
    assert want(line) == (0o755, 7, 8)


@pytest.mark.parametrize("kind", ["D!", "q+!"])
def test_a_line_for_the_boot_alone_is_not_judged_later(kind: str) -> None:
    assert want(f"{kind} /tmp 1770 3 4 10d") == (0o755, 7, 8)


def test_an_age_alone_says_nothing_of_permissions() -> None:
    assert want("e /tmp - - - 10d") == (0o1777, 0, 0)


def test_a_specifier_names_the_folder() -> None:
    assert want("d %T 1770 3 4") == (0o1770, 3, 4)
    assert want("d %V 1770 3 4") == (0o1777, 0, 0)


def test_the_first_making_line_counts() -> None:
    assert want("q /tmp 1777 root root 10d", "d /tmp 0700 3 3") == (0o1777, 0, 0)


def test_an_adjusting_line_comes_after_it_and_leaves_open_what_it_does_not_say() -> None:
    assert want("z /tmp 1770 - 5", "d /tmp 1777 3 4") == (0o1770, 3, 5)
    assert want("z /tmp 1770 - -") == (0o1770, 0, 0)


def test_prefixes_of_mode_and_owner() -> None:
    assert want("d /tmp :1777 :root :root") == (0o755, 7, 8)
    assert want("d /tmp ~1777 0 0") == (0o1777, 0, 0)
    assert want("d /tmp ~1777 0 0", now=PathMode("/tmp", 0o444, 0, 0)) == (0o1444, 0, 0)


def test_a_line_that_systemd_tmpfiles_would_skip_is_skipped() -> None:
    assert want("d /tmp 1777 no-such-user root", "d /tmp 17x7 0 0", "d", "d /tmp 1770 0 0") == (0o1770, 0, 0)


def test_a_file_in_an_earlier_folder_replaces_its_namesake(tmp_path: Path) -> None:
    etc, usr = tmp_path / "etc", tmp_path / "usr"
    for folder in (etc, usr):
        folder.mkdir()
    (usr / "tmp.conf").write_text("d /tmp 0700\n")
    (usr / "b.conf").write_text("usr b\n")
    (usr / "readme").write_text("no\n")
    (etc / "a.conf").write_text("etc a\n")
    (etc / "tmp.conf").symlink_to("/dev/null")
    (etc / "z.conf").symlink_to(tmp_path / "gone")
    assert list(permissions.lines([str(etc), str(usr), str(tmp_path / "none")])) == ["etc a", "usr b"]


def test_a_directory_as_it_is_and_nothing_for_what_is_none(tmp_path: Path) -> None:
    good, file, link = tmp_path / "good", tmp_path / "file", tmp_path / "link"
    good.mkdir()
    good.chmod(0o1770)
    file.touch()
    link.symlink_to(good)
    paths = [str(path) for path in (good, file, link, tmp_path / "gone")]
    assert permissions.compare(paths, []) == (PathMode(str(good), 0o1770, os.getuid(), os.getgid()),)


def test_this_machine_can_be_read() -> None:
    assert {path.path for path in permissions.read()} <= set(permissions.PATHS)
