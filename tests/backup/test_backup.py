"""`healctl backup` with the real rsync: what a person sees, gets back and is refused."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from backup.backed_up import Person, tree


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person.settle(tmp_path)


def test_a_snapshot_is_plain_files_and_what_did_not_change_is_kept_once(person: Person) -> None:
    (person.letters / "of 2025").mkdir(mode=0o550)
    (person.letters / "latest").symlink_to("june.txt")
    first = person.document("create")["snapshot"]
    before = tree(person.letters)
    (person.letters / "july.txt").write_text("second")
    second = person.document("create")["snapshot"]
    assert tree(person.copy(first["name"])) == before
    assert tree(person.copy(second["name"])) == tree(person.letters)
    assert Path(second["path"]) == person.disk / second["name"]
    [one, other] = [(person.copy(name) / "june.txt").stat() for name in (first["name"], second["name"])]
    assert one.st_ino == other.st_ino
    listed = person.document("list")
    assert listed["snapshots"] == [second, first]
    assert second["time"].endswith("Z")
    assert (person.disk / first["name"]).stat().st_mode & 0o077 == 0


def test_the_newest_are_kept_and_what_is_not_a_snapshot_stays(person: Person) -> None:
    (person.disk / "photos").mkdir()
    (person.letters / "sealed").mkdir(mode=0o550)
    made = [person.document("create") for _ in range(4)]
    names = [one["snapshot"]["name"] for one in made]
    assert [one["removed"] for one in made] == [[], [], [], names[:1]]
    assert person.snapshots == [*names[1:], "photos"]
    assert [path.name for path in person.disk.iterdir() if path.name.startswith(".")] == []


def test_a_clock_that_was_wrong_does_not_cost_the_new_snapshot(person: Person) -> None:
    person.configure('paths = ["~/letters"]\ntarget = "~/disk"\nkeep = 1\n')
    (person.disk / "2099-01-01T00-00-00Z").mkdir()
    made = person.document("create")
    assert made["removed"] == ["2099-01-01T00-00-00Z"]
    assert person.snapshots == [made["snapshot"]["name"]]


def test_a_restore_keeps_what_was_there_and_removes_nothing(person: Person) -> None:
    (person.letters / "may").mkdir()
    (person.letters / "may/1.txt").write_text("old")
    name = person.document("create")["snapshot"]["name"]
    (person.letters / "june.txt").write_text("later")
    (person.letters / "new.txt").write_text("new")
    shutil.rmtree(person.letters / "may")
    (person.letters / "may").write_text("a file where a folder was")
    done = person.document("restore", "letters", "--from", name)
    kept = Path(done["kept"])
    assert kept.parent == person.home
    assert kept.name.startswith("letters.before-")
    assert (kept / "letters/june.txt").read_text() == "later"
    assert (kept / "letters/may").read_text() == "a file where a folder was"
    assert (person.letters / "june.txt").read_text() == "first"
    assert (person.letters / "may/1.txt").read_text() == "old"
    assert (person.letters / "new.txt").read_text() == "new"
    again = person.healctl("restore", str(person.letters / "june.txt"))
    assert again.stdout == f"{person.letters}/june.txt is as in {name}; nothing was overwritten\n"


def test_a_link_where_a_folder_was_is_not_followed(person: Person) -> None:
    person.document("create")
    elsewhere = person.home / "elsewhere"
    person.letters.rename(elsewhere)
    (elsewhere / "june.txt").write_text("somebody else's")
    person.letters.symlink_to(elsewhere)
    kept = Path(person.document("restore", "letters")["kept"])
    assert (elsewhere / "june.txt").read_text() == "somebody else's"
    assert (person.letters / "june.txt").read_text() == "first"
    assert os.readlink(kept / "letters") == str(elsewhere)


def test_what_a_filter_leaves_out_is_not_in_it(person: Person) -> None:
    (person.letters / "cache").mkdir()
    (person.letters / "cache/big").write_text("")
    (person.letters / ".rsync-filter").write_text("- /cache/\n")
    name = person.document("create")["snapshot"]["name"]
    assert {path.name for path in person.copy(name).iterdir()} == {"june.txt", ".rsync-filter"}


def test_damage_is_found_named_and_mended_by_a_restore(person: Person) -> None:
    for name in ("changed", "gone", "rotten"):
        (person.letters / name).write_text(name)
    made = person.document("create")["snapshot"]
    well = person.document("verify")
    assert (well["files"], well["changed"], well["gone"], well["damaged"]) == (4, 0, 0, [])
    (person.letters / "changed").write_text("once more")
    (person.letters / "gone").unlink()
    rotten = person.letters / "rotten"
    stamps = rotten.stat()
    rotten.write_text("ROTTEN")
    os.utime(rotten, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    done = person.healctl("verify", made["name"])
    assert done.returncode == 1
    assert "files read: 4, damaged: 1; where they came from, changed since: 1, gone since: 1" in done.stdout
    assert f"damaged: {rotten} has other contents, and the same size and time" in done.stdout
    person.document("restore", str(rotten))
    assert rotten.read_text() == "rotten"
    assert person.document("verify")["damaged"] == []


@pytest.mark.parametrize(("configured", "code", "said"), [
    ("", 2, "there is nothing to back up yet: name paths and a target below [backup]"),
    ('paths = ["~/letters"]\ntarget = "~/letters/disk"', 2, "lie in each other: name another backup.target"),
    ('paths = ["~/disk/x"]\ntarget = "~/disk"', 2, "lie in each other"),
    ('paths = ["~/letters"]\ntarget = "~/unplugged"', 1, "unplugged: No such file or directory; make that folder, or"),
    ('paths = ["~/letters"]\ntarget = "~/letters/june.txt"', 2, "june.txt is no folder: name one in backup.target"),
    ('paths = ["~/letters"]\ntarget = "~/open"', 3, "open must be yours, and nobody else may write there"),
    ('paths = ["~/nothing"]\ntarget = "~/disk"', 1, "nothing is missing: make it, or take it out of backup.paths"),
    ('paths = ["~/link"]\ntarget = "~/disk"', 2, "link is a link: write "),
    ('paths = "~/letters"', 2, 'backup.paths: must be a list such as ["~/letters"], not "~/letters"'),
    ('paths = ["letters"]', 2, 'backup.paths: must be a path such as "/srv/shop" or "~/letters", not "letters"'),
    ("keep = 0", 2, "backup.keep: must be a whole number from 1 on, not 0"),
    ("keeep = 1", 2, 'backup.keeep: unknown key; did you mean "keep"?'),
])
def test_what_cannot_be_is_refused_in_one_line(person: Person, configured: str, code: int, said: str) -> None:
    (person.home / "open").mkdir()
    (person.home / "open").chmod(0o777)
    (person.letters / "disk").mkdir()
    (person.disk / "x").mkdir()
    (person.home / "link").symlink_to("letters")
    person.configure(configured)
    done = person.healctl("create")
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.startswith("healctl: ")
    assert done.stderr.count("\n") == 1
    assert person.snapshots == ["x"]


def test_what_is_not_there_cannot_be_restored(person: Person) -> None:
    none = person.healctl("restore", "letters")
    assert (none.returncode, none.stderr) == (
        2, f"healctl: {person.disk} holds no snapshot yet; see: healctl backup list\n")
    person.document("create")
    for words, said in ((["letters/may.txt"], "may.txt is not in snapshot"), (["/"], "/ is not in snapshot"),
                        (["letters", "--from", "june"], "there is no snapshot june in ")):
        done = person.healctl("restore", *words)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert said in done.stderr
    shutil.rmtree(person.letters)
    done = person.healctl("restore", "letters/june.txt")
    assert (done.returncode, done.stderr) == (1, f"healctl: {person.letters} is missing: restore that, or make it\n")


def test_two_at_once_and_no_rsync(person: Person) -> None:
    folder = os.open(person.disk, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    for words in (["create"], ["restore", "letters"], ["verify"]):
        done = person.healctl(*words)
        assert (done.returncode, done.stderr) == (
            1, f"healctl: another backup is at work in {person.disk}: wait for its end\n")
    os.close(folder)
    bare = person.home / "bin"
    bare.mkdir()
    done = person.healctl("create", PATH=str(bare))
    assert (done.returncode, done.stderr) == (1, "healctl: rsync is missing: install the package rsync\n")
    assert list(person.disk.iterdir()) == []


def test_a_folder_where_a_file_was_is_in_the_way_and_stays(person: Person) -> None:
    (person.letters / "may").write_text("a file")
    person.document("create")
    (person.letters / "may").unlink()
    (person.letters / "may").mkdir()
    (person.letters / "may/1.txt").write_text("new")
    for path in ("letters/may", "letters"):
        done = person.healctl("restore", path)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert done.stderr.endswith("may; move away what is there\n")
        assert (person.letters / "may/1.txt").read_text() == "new"
