"""Which generations are dropped, and which are known to be good or bad: the choosing, on links and files alone."""

import os
import time
from pathlib import Path
from types import ModuleType

import pytest

from unit.test_libexec import program

DAY = 86400


@pytest.fixture
def nix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, on a profile of ten generations of 100 days; 10 is current."""
    module = program("nix")
    for name in ("PROFILE", "CURRENT", "BOOTED", "SETTINGS", "LOCK"):
        monkeypatch.setattr(module, name, tmp_path / getattr(module, name).name)
    monkeypatch.setattr(module, "MARKS", tmp_path)
    for number in range(1, 11):
        (tmp_path / f"store-{number}").mkdir()
        link = tmp_path / f"system-{number}-link"
        link.symlink_to(tmp_path / f"store-{number}")
        os.utime(link, (time.time() - 100 * DAY,) * 2, follow_symlinks=False)
    lead(module, module.PROFILE, "system-10-link")
    return module


def lead(nix: ModuleType, link: Path, to: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(nix.MARKS / to)


def test_the_newest_the_current_the_booted_the_running_and_the_good_stay(nix: ModuleType) -> None:
    assert nix.old() == [1, 2, 3, 4, 5]
    lead(nix, nix.PROFILE, "system-1-link")
    lead(nix, nix.CURRENT, "store-2")
    lead(nix, nix.BOOTED, "store-3")
    nix.mark("known-good", {4})
    assert nix.old() == [5]


@pytest.mark.parametrize(("text", "old"), [
    ("keep_generations = 8", [1, 2]), ("keep_days = 101", []), ("keep_days = 99", [1, 2, 3, 4, 5]),
    ("keep_generations = 1", [1, 2, 3, 4, 5, 6, 7, 8, 9]), ("may_restart = []", [1, 2, 3, 4, 5]),
])
def test_root_s_file_says_how_many_and_how_young(nix: ModuleType, text: str, old: list[int]) -> None:
    nix.SETTINGS.write_text(text)
    assert nix.old() == old


@pytest.mark.parametrize("text", [
    "keep_generations =", "keep_generations = 0", "keep_generations = true", 'keep_days = "99"'])
def test_while_root_s_file_has_a_mistake_nothing_is_dropped(nix: ModuleType, text: str) -> None:
    nix.SETTINGS.write_text(text)
    with pytest.raises(nix.CannotError, match="until that is mended"):
        nix.old()


@pytest.mark.parametrize("to", ["system-11-link", "store-3", "elsewhere"])
def test_a_profile_that_leads_to_no_generation_ends_it(nix: ModuleType, to: str) -> None:
    lead(nix, nix.PROFILE, to)
    with pytest.raises(nix.CannotError):
        nix.old()


@pytest.mark.parametrize(("expected", "target"), [(9, 8), (10, 10), (10, 11), (10, 0)])
def test_a_rollback_between_others_than_there_are_is_refused(nix: ModuleType, expected: int, target: int) -> None:
    with pytest.raises(nix.CannotError):
        nix.rollback(expected, target)
    assert nix.current() == 10
    assert nix.marks("known-bad") == set()


def test_no_rollback_goes_to_what_was_rolled_back_from(nix: ModuleType) -> None:
    nix.mark("known-bad", {7, 8})
    with pytest.raises(nix.CannotError, match="known to be bad"):
        nix.rollback(10, 8)


def test_what_becomes_known_to_be_good_says_nothing_of_a_rollback(
        nix: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nix.mark("known-bad", {7})
    os.utime(tmp_path / "known-bad", (1, 1))
    for link in (nix.CURRENT, nix.BOOTED):
        lead(nix, link, "system-10-link")
    (tmp_path / "since").write_text("10 -9999")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(nix, "is_running", lambda: True)
    assert nix.mark_good() == 0
    assert (nix.marks("known-good"), nix.marks("known-bad")) == ({10}, {7})
    assert (tmp_path / "known-bad").stat().st_mtime == 1


def test_what_did_not_take_place_is_not_taken_back(nix: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person went to 10 by themselves, after heald's rollback had failed and left its timer."""
    monkeypatch.setattr(nix, "is_running", lambda: False)
    assert nix.take_back(9, 10) == 0
    assert (nix.current(), nix.marks("known-bad")) == (10, set())


@pytest.mark.parametrize("words", [[], ["drop", "5"], ["rollback", "1"], ["rollback", "1-2-3"], ["rollback", "-1"],
                                   ["rollback", "1-2\n"], ["rollback", "\uff11-2"]])
def test_nothing_is_done_that_was_not_asked_for(nix: ModuleType, words: list[str]) -> None:
    with pytest.raises(ValueError, match="nix collect"):
        nix.main(words)
