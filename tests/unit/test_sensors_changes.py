"""What was changed in the day before: read from a tree like a machine's."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heald.sensors import changes
from heald.stories import Change

NOW = 1_800_000_000.0


def write(root: Path, name: str, *lines: str, at: float = NOW) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))
    os.utime(file, (at, at))
    return file


def dpkg(at: float, words: str) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at))} {words}"


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def read(root: Path, *files: str) -> tuple[Change, ...]:
    return changes.read(files, NOW, root)[0]


def test_what_dpkg_did_in_the_day_before_the_newest_first(tmp_path: Path) -> None:
    write(tmp_path, "var/log/dpkg.log.1", dpkg(NOW - 7200, "remove old:amd64 1.0 <none>"),
          dpkg(NOW - 90000, "install ancient:amd64 <none> 1.0"), at=NOW - 7200)
    write(tmp_path, "var/log/dpkg.log", dpkg(NOW - 60, "upgrade libc6:amd64 2.36-9 2.36-10"),
          dpkg(NOW - 60, "status unpacked libc6:amd64 2.36-10"), dpkg(NOW - 50, "trigproc man-db:amd64 2 <none>"),
          dpkg(NOW - 30, "install tool:all <none> 0.3"), dpkg(NOW + 60, "install later:all <none> 1"), "not a line")
    assert [(c.at, c.kind, c.what, c.detail) for c in read(tmp_path)] == [
        (NOW - 30, "package", "tool", "install 0.3"), (NOW - 60, "package", "libc6", "upgrade 2.36-9 to 2.36-10"),
        (NOW - 7200, "package", "old", "remove 1.0")]


def test_what_dnf_and_pacman_did(tmp_path: Path) -> None:
    write(tmp_path, "var/log/dnf.rpm.log", f"{iso(NOW - 60)} SUBDEBUG Upgrade: nginx-1.24.0-1.fc39.x86_64",
          f"{iso(NOW - 60)} SUBDEBUG Upgraded: nginx-1.22.0-1.fc39.x86_64", f"{iso(NOW - 60)} INFO --- logging ---")
    write(tmp_path, "var/log/pacman.log", f"[{iso(NOW - 30)}] [ALPM] upgraded nginx (1.22-1 -> 1.24-1)",
          f"[{iso(NOW - 20)}] [ALPM] removed curl (8.0-1)", f"[{iso(NOW)}] [PACMAN] Running 'pacman -Syu'")
    assert [(c.what, c.detail) for c in read(tmp_path)] == [
        ("curl", "removed 8.0-1"), ("nginx", "upgraded 1.22-1 to 1.24-1"), ("nginx-1.24.0-1.fc39.x86_64", "upgrade")]


def test_generations_of_nixos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = tmp_path / "nix/var/nix/profiles"
    profiles.mkdir(parents=True)
    (tmp_path / "run").mkdir()
    links = ((profiles / "system-41-link", "/nix/store/a-system", NOW - 2 * changes.BEFORE),
             (profiles / "system-42-link", "/nix/store/b-system", NOW - 600),
             (tmp_path / "run/current-system", "/nix/store/b-system", NOW - 500))
    for link, target, at in links:
        link.symlink_to(target)
        os.utime(link, (at, at), follow_symlinks=False)
    assert [(c.kind, c.what, c.detail) for c in read(tmp_path)] == [
        ("generation", "current", "the system was switched to generation 42"),
        ("generation", "42", "the NixOS generation was built")]


def test_a_unit_s_files_by_the_time_at_which_they_were_put_in_place(tmp_path: Path) -> None:
    """ctime cannot be set: what is just written is new, so the incident begins now, or long before."""
    unit = write(tmp_path, "etc/systemd/system/a.service", "[Service]", at=1.0)
    write(tmp_path, "etc/a/conf.d/one.conf", "x")
    write(tmp_path, "etc/unrelated.conf", "x")
    names = ("/etc/systemd/system/a.service", "/etc/a", "/etc/gone.conf", "/etc/systemd/system/a.service")
    began = unit.stat().st_ctime + 5
    found, left_out = changes.read(names, began, tmp_path)
    assert ({c.what for c in found}, left_out) == ({"/etc/systemd/system/a.service", "/etc/a/conf.d/one.conf"}, 0)
    assert changes.read(names, began - changes.BEFORE, tmp_path) == ((), 0)
    assert changes.read(names, began + 2 * changes.BEFORE, tmp_path) == ((), 0)


def test_when_there_is_too_much_the_unit_s_own_comes_first(tmp_path: Path) -> None:
    rows = [dpkg(NOW - n, f"upgrade p{n}:amd64 1 2") for n in range(1, 61)]
    write(tmp_path, "var/log/dpkg.log", *rows)
    write(tmp_path, "var/lib/dpkg/info/p59:amd64.list", "/.", "/lib/systemd/system/a.service")
    write(tmp_path, "var/lib/dpkg/info/p5.list", "/.", "/usr/bin/other")
    found, left_out = changes.read(["/usr/lib/systemd/system/a.service"], NOW, tmp_path)
    assert (len(found), left_out) == (changes.MOST, 60 - changes.MOST)
    assert "p59" in {c.what for c in found}
    assert [c.what for c in found if "the unit's own files" in c.detail] == ["p59"]


def test_what_is_looked_at_has_a_bound(tmp_path: Path) -> None:
    for n in range(changes.LOOKS + 100):
        write(tmp_path, f"etc/a/{n:04}", "x")
    began = (tmp_path / "etc/a/0000").stat().st_ctime + 60
    found, _ = changes.read(["/etc/a"], began, tmp_path)
    assert 0 < len(found) <= changes.MOST // 2
    long = write(tmp_path, "var/log/dpkg.log", *(dpkg(NOW - 60, f"install n{n}:all <none> 1") for n in range(50000)))
    assert long.stat().st_size > changes.TAIL
    found, left_out = changes.read([], NOW, tmp_path)
    assert len(found) + left_out < changes.TAIL // 40
    assert any(c.what == "n49999" for c in changes.read([], NOW, tmp_path)[0]) or left_out


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "etc/a").mkdir(parents=True)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/etc/a/x\xff"))
    odd.touch()
    found, _ = changes.read(["/etc/a"], odd.stat().st_ctime, tmp_path)
    assert [change.what for change in found] == ["/etc/a/x\\xff"]


@pytest.mark.parametrize("lines", [["9999-99-99 99:99:99 install a:all <none> 1"], ["\x00\xff"], []])
def test_what_makes_no_sense_is_nothing(tmp_path: Path, lines: list[str]) -> None:
    write(tmp_path, "var/log/dpkg.log", *lines)
    assert read(tmp_path) == ()
