"""`healctl backup` killed with SIGKILL: before each thing that it does to the disk, and while rsync copies."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backup.backed_up import SIDES, Person, tree

pytestmark = pytest.mark.long

STEPS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "subprocess.Popen")
DIES = """
import os, signal, sys
left = [{step}]
def look(event, arguments):
    if event in {steps}:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
sys.addaudithook(look)
""" + SIDES
NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")
FREE = 60       # seconds in which an rsync that was left alone has ended
MOST = 100      # steps of one backup that are looked for


def whole(person: Person, known: dict[str, dict[str, tuple[int, int, str]]]) -> list[str]:
    """The snapshots; fails where one of them is not what it was made from: `known`, or else what is there now."""
    found = [name for name in person.snapshots if NAME.fullmatch(name)]
    for name in found:
        assert tree(person.copy(name)) == known.setdefault(name, tree(person.letters)), name
    return found


def free(person: Person) -> None:
    """Waits until nobody is at work: an rsync that was left alone holds the lock."""
    end = time.monotonic() + FREE
    while taken(person.disk):
        assert time.monotonic() < end
        time.sleep(0.02)


def taken(folder: Path) -> bool:
    """Whether somebody holds the lock."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def begun(person: Person, *words: str) -> "subprocess.Popen[str]":
    """`healctl backup WORDS` at work, once nobody else is."""
    free(person)
    return subprocess.Popen([sys.executable, "-c", SIDES, "backup", *words], cwd=person.home, text=True,
                            stdout=subprocess.DEVNULL, env=person.environment(), start_new_session=True)


def until(running: "subprocess.Popen[str]", folder: Path, begins: str, files: int) -> None:
    """Waits until so many files lie below what in `folder` has such a name, or the work has ended.

    os.walk: what it comes to may be removed meanwhile.
    """
    while running.poll() is None and files > sum(
            len(names) for name in os.listdir(folder) if name.startswith(begins)
            for _, _, names in os.walk(folder / name)):
        time.sleep(0.002)


def killed(running: "subprocess.Popen[str]", *, alone: bool) -> None:
    """With rsync, or so that it is left alone; nothing where it has ended."""
    if running.poll() is None:
        os.kill(running.pid if alone else -running.pid, signal.SIGKILL)
        running.wait()


def test_before_each_step(tmp_path: Path) -> None:
    """The third of two that are kept is made: leftovers, the new one and the removal of the oldest are in it."""
    person = Person.settle(tmp_path, keep=2)
    (person.letters / "of 2025").mkdir(mode=0o550)
    known: dict[str, dict[str, tuple[int, int, str]]] = {}
    for text in ("one", "two"):
        (person.letters / "june.txt").write_text(text)
        person.document("create")
        assert len(whole(person, known)) == len(known)
    for step in range(MOST):
        (person.letters / "june.txt").write_text(f"at step {step}")
        before = set(whole(person, known))
        done = person.healctl("create", program=DIES.format(step=step, steps=STEPS))
        after = set(whole(person, known))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert len(after) >= 2
        assert len(after & before) >= 1
    assert 10 < step < MOST - 1
    assert [path.name for path in person.disk.iterdir() if path.name.startswith(".")] == []
    assert len(after) == 2


def test_while_rsync_copies(tmp_path: Path) -> None:
    """After ever more files; rsync dies with it, or goes on alone for a while."""
    person = Person.settle(tmp_path)
    for number in range(300):
        (person.letters / f"{number}.txt").write_text(f"{number}" * 1000)
    for copied in (1, 30, 120, 299):
        for alone in (True, False):
            running = begun(person, "create")
            until(running, person.disk, ".new-", copied)
            killed(running, alone=alone)
            whole(person, {})
    assert begun(person, "create").wait() == 0
    assert whole(person, {})
    assert [path.name for path in person.disk.iterdir() if path.name.startswith(".")] == []


def test_a_restore_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """Each file is in its place or in the folder of what is kept, as it was; a second restore ends it."""
    person = Person.settle(tmp_path)
    letters = [person.letters / f"{number}.txt" for number in range(200)]
    for letter in letters:
        letter.write_text("then")
    person.document("create")
    for kept in (1, 50, 150):
        for letter in letters:
            letter.write_text(f"later {kept}")
        before = len(list(person.home.glob("letters.before-*/letters/*.txt")))
        running = begun(person, "restore", "letters")
        until(running, person.home, "letters.before-", before + kept)
        killed(running, alone=False)
        free(person)
        saved = {path.name for path in person.home.glob("letters.before-*/letters/*.txt")
                 if path.read_text() == f"later {kept}"}
        for letter in letters:
            assert letter.name in saved or letter.read_text() == f"later {kept}"
    assert begun(person, "restore", "letters").wait() == 0
    assert {letter.read_text() for letter in letters} == {"then"}
