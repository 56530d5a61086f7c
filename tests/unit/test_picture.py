"""The dashboard's picture: of every size, in letters that the terminal has, and nothing told by colour alone."""

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, Group

import dashboard_picture
from heald.face.drawing import ASCII, UNICODE, Glyphs
from heald.face.keyboard import keys
from heald.face.picture import picture
from heald.face.screen import speaks_unicode
from heald.face.view import View

SIZES = [(80, 24), (200, 60), (132, 43), (100, 30), (60, 20), (40, 10), (20, 6), (5, 3), (1, 1)]


def shown(view: View, width: int = 80, height: int = 24, glyphs: Glyphs = UNICODE) -> str:
    return "\n".join(line.plain for line in picture(view, width, height, glyphs))


def many(count: int) -> View:
    view = dashboard_picture.evening()
    assert view.known is not None
    one = view.known["Issues"][0]
    issues = [{**one, "id": str(n), "subject": f"unit-{n:02}.service", "detail": f"unit-{n:02}.service is failed"}
              for n in range(count)]
    view.known = {**view.known, "Issues": issues}
    return view


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("page", ["", "help", "story"])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_it_fits(width: int, height: int, page: str, glyphs: Glyphs) -> None:
    for view in (dashboard_picture.evening(), many(40), View(dashboard_picture.NOW, gone="heald is not running")):
        view.page = page
        lines = picture(view, width, height, glyphs)
        assert len(lines) == max(2, height)
        assert [line.plain for line in lines if line.cell_len > width] == []


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60)])
def test_all_of_an_evening_is_seen(width: int, height: int) -> None:
    told = shown(dashboard_picture.evening(), width, height)
    for words in (
        "mode auto", "health 38", "7 incidents left", "20:15:30", "/var              97 %", "210 MiB free",
        "waits for disks   23 %", "What is wrong: 3", "> critical /var is 97 % full",
        "resource/vacuum-journal is under way for 4s",
        "high     8 % of memory", "your yes is wanted: r does resource/limit-memory search.service",
        "service/start shop.service at 20:16:00: waits for /var", "paused   backup.service until 21:00:00",
        "20:10:31  service/repair mail.service  done in 1s", "20:10:00  service/start mail.service  Failed",
        "20:14:53  11 ended: resource/clean-packages done", "r repair   s story   p pause 1h   ? help   q quit",
    ):
        assert words in told


def test_no_text_of_a_strangers_moves_a_cursor() -> None:
    view = many(2)
    assert view.known is not None
    bad = "a\x1b[2J\x9b\n\u202eb"
    issues = [{**one, "detail": bad, "kind": bad} for one in view.known["Issues"]]
    incidents = [{**one, "reason": bad, "outcome": bad, "next": None} for one in view.known["Incidents"]]
    view.known = {**view.known, "Issues": issues, "Incidents": incidents,
                  "Paused": [{"subject": bad, "until": view.known["Paused"][0]["until"]}]}
    view.note = bad
    for width, height in SIZES:
        lines = picture(view, width, height)
        assert [line.plain for line in lines if not line.plain.isprintable()] == []
    assert "a?[2J???b" in shown(view)


def test_the_worst_stands_first_and_the_selected_one_is_always_seen() -> None:
    view = dashboard_picture.evening()
    assert [issue["severity"] for issue in view.issues] == ["critical", "high", "high"]
    view = many(40)
    for _ in range(33):
        view.move(1)
        assert f"> high     {view.chosen[1]} is failed" in shown(view, 40, 10)
    assert view.chosen[1] == "unit-33.service"
    view.move(100)
    assert view.chosen[1] == "unit-39.service"
    view.move(-100)
    assert view.chosen[1] == "unit-00.service"
    View(dashboard_picture.NOW).move(1)


def test_what_was_selected_stays_so_while_others_come_and_go() -> None:
    view = many(10)
    view.move(5)
    assert view.known is not None
    view.known = {**view.known, "Issues": view.known["Issues"][3:]}
    assert view.selected is not None
    assert view.selected["subject"] == "unit-05.service"
    view.known = {**view.known, "Issues": []}
    assert view.selected is None
    assert "What is wrong: nothing" in shown(view)


def test_without_a_daemon_it_says_so_and_shows_the_machine() -> None:
    view = replace(dashboard_picture.evening(), known=None, gone="heald is not running: start it with `systemctl`")
    told = shown(view)
    assert "heald is not running: start it with" in told
    assert "cpu               57 %" in told
    assert "health" not in told


def issue_of(**incident: Any) -> str:
    """What is said to be done about the selected issue."""
    view = many(1)
    assert view.known is not None
    base = view.known["Incidents"][1]
    view.known = {**view.known, "Incidents": [{**base, "id": "0", "next": None, **incident}]}
    return shown(view).splitlines()[8].strip()


def test_what_is_being_done_is_said_in_words() -> None:
    assert issue_of(outcome="stood-back", reason="boot: it starts") == "stood-back: boot: it starts"
    assert issue_of(id="99") == "just seen"
    assert issue_of(outcome="gave-up", reason="3 tried", next={
        "operation": "service/start", "target": "a.service", "at": "2026-11-26T01:00:00.000Z"},
    ) == "service/start a.service at 26 Nov 01:00: 3 tried"
    view = many(1)
    assert view.known is not None
    view.known = {**view.known, "Paused": [{"subject": "unit-00.service", "until": "2026-11-25T21:00:00.000Z"}]}
    assert "paused until 21:00:00" in shown(view)
    assert "p resume" in shown(view)


def test_the_story_and_the_keys() -> None:
    view = dashboard_picture.evening()
    assert "read 97.4, wrong from 90, since 20:14:50" in shown(view, 200, 60)
    assert "resource/vacuum-journal   not finished" in shown(view, 200, 60)
    view.page, view.story = "story", [f"\x1b[31mline {number}\x1b[0m of it" for number in range(100)]
    assert "line 0 of it\nline 1 of it" in shown(view)
    view.move(50)
    assert "line 50 of it" in shown(view)
    assert "line 49 of it" not in shown(view)
    view.move(100)
    assert shown(view).splitlines()[-2] == "line 99 of it"
    view.page = "help"
    assert "repair it now, as you: polkit may ask for your password" in shown(view)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    view = dashboard_picture.evening()
    assert view.known is not None
    view.known["Issues"][0]["detail"] = "/srv/Größe is full"
    for page in ("", "help", "story"):
        view.page = page
        for width, height in SIZES:
            assert shown(view, width, height, ASCII).isascii()


@pytest.mark.parametrize(("environment", "unicode"), [
    ({"LANG": "C.UTF-8"}, True), ({"LANG": "de_DE.utf8"}, True), ({"LANG": "de_DE.ISO-8859-1"}, False), ({}, False),
    ({"LC_ALL": "C", "LANG": "C.UTF-8"}, False), ({"LC_ALL": "", "LC_CTYPE": "en_GB.UTF-8", "LANG": "C"}, True),
])
def test_the_locale_tells_what_a_terminal_shows(environment: dict[str, str], unicode: bool) -> None:
    assert speaks_unicode(environment) is unicode


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_who_wants_no_colour_gets_none(environment: dict[str, str], coloured: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, height=24, force_terminal=True, color_system="standard",
                      _environ={"TERM": "xterm", **environment})
    console.print(Group(*picture(dashboard_picture.evening(), 80, 24)))
    assert bool(re.search(r"\x1b\[[0-9;]*\b[349][0-7]m", out.getvalue())) is coloured
    assert "critical" in out.getvalue()


@pytest.mark.parametrize(("typed", "names"), [
    (b"j", ["j"]), (b"\x1b[A\x1b[Bk", ["up", "down", "k"]), (b"\x1bOB\r", ["down", "enter"]), (b"\x1b", ["escape"]),
    (b"\x1b[15~q", ["q"]), (b"\x1b[1;5Cq", ["q"]), (b"\x1b[", []), (b"\xff", ["\xff"]),
])
def test_keys_have_names(typed: bytes, names: list[str]) -> None:
    assert list(keys(typed)) == names


def test_the_picture_in_docs_is_today_s() -> None:
    assert dashboard_picture.FILE.read_text() == dashboard_picture.svg()
