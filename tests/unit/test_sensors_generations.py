"""Which generation changed a unit, and which one to go back to: a profile of links and files."""

from pathlib import Path

import pytest

from heald.readings import Unit
from heald.sensors import generations

HERE = 5


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five generations with a web.service each; that of 5 differs. 5 is current."""
    for name in ("PROFILE", "BOOTED"):
        monkeypatch.setattr(generations, name, tmp_path / getattr(generations, name).name)
    monkeypatch.setattr(generations, "MARKS", tmp_path)
    for number in range(1, HERE + 1):
        put(tmp_path, number, "web.service", f"ExecStart=/nix/store/{'b' if number == HERE else 'a'}/web")
        (tmp_path / f"system-{number}-link").symlink_to(tmp_path / str(number))
    (tmp_path / "system").symlink_to(f"system-{HERE}-link")
    return tmp_path


def put(profile: Path, number: int, file: str, text: str) -> None:
    path = profile / str(number) / generations.UNITS / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def between(name: str = "web.service") -> str:
    [unit] = generations.told([Unit(name, active_state="failed")])
    return unit.between


def test_the_newest_before_is_gone_back_to_where_nothing_else_is_known() -> None:
    assert between() == "5-4"


def test_one_that_is_known_to_be_good_comes_first_then_the_one_that_was_booted(profile: Path) -> None:
    (profile / "booted-system").symlink_to(profile / "3")
    assert between() == "5-3"
    (profile / "known-good").write_text("1\n2\n")
    assert between() == "5-2"
    (profile / "known-bad").write_text("2\n")
    assert between() == "5-1"


def test_a_generation_that_is_known_to_be_good_has_broken_nothing(profile: Path) -> None:
    (profile / "known-good").write_text("5\n")
    assert between() == ""


def test_a_unit_that_is_the_same_was_not_broken_by_the_switch(profile: Path) -> None:
    for number in (4, 5):
        put(profile, number, "db.service", "ExecStart=/nix/store/db")
    assert (between("db.service"), between("none.service")) == ("", "")


@pytest.mark.parametrize(("name", "file"), [
    ("db.service", "db.service.d/overrides.conf"), ("db@a.service", "db@.service"), ("db@a.service", "db@a.service"),
    ("db@a.service", "db@.service.d/x.conf"), ("new.service", "new.service"),
])
def test_all_that_a_unit_is_made_of_counts(profile: Path, name: str, file: str) -> None:
    put(profile, 5, file, "[Service]\n")
    assert between(name) == "5-4"


def test_what_leads_nowhere_is_not_gone_back_to(profile: Path) -> None:
    for number in (2, 3, 4):
        (profile / f"system-{number}-link").unlink()
    (profile / "system-4-link").symlink_to(profile / "gone")
    assert between() == "5-1"
    (profile / "system-1-link").unlink()
    assert between() == ""


def test_after_a_rollback_the_way_on_is_not_the_way_back(profile: Path) -> None:
    (profile / "system").unlink()
    (profile / "system").symlink_to("system-1-link")
    assert between() == ""


@pytest.mark.parametrize("to", ["", "elsewhere"])
def test_a_machine_without_generations_has_nothing_to_say(profile: Path, to: str) -> None:
    (profile / "system").unlink()
    if to:
        (profile / "system").symlink_to(to)
    assert between() == ""
