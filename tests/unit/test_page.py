"""The status page as HTML: what it says, that all of it is escaped, and what somebody hears to whom it is read."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from heald import document
from heald.face import page, style
from heald.face.page import ROWS, Shown
from heald.model import Action, Attempt, Category, Incident, Issue, Result, Severity

OFFSET, END = 1_790_000_000.0, 100_000.0
START = Action(Category.SERVICE, "start", "shop.service")
EVIL = '<script>alert(1)</script>&"\'.service'
VOID = {"meta", "br", "line", "path"}


class Reader(HTMLParser):
    """What is in a page: its tags as they are opened, and that each is closed; the text of chosen ones."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.texts.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts = [*self.texts[:-1], (self.texts[-1][0], self.texts[-1][1] + data)] if self.texts else []

    @property
    def text(self) -> str:
        return " ".join(" ".join(text for _, text in self.texts).split())


def shown(*incidents: Incident, issues: tuple[Issue, ...] = (), **facts: Any) -> Shown:
    known = {
        "Version": "1.2.3", "Mode": "auto", "Health": 60 if issues else 100, "Limits": {"incidents_left": 7},
        "Issues": [document.issue(issue, 1, OFFSET) for issue in issues],
        "Incidents": [document.incident(one, OFFSET) for one in incidents], "Paused": [],
    }
    return replace(Shown("web1", known, incidents, END, OFFSET, helper=True, behind=False, most=300), **facts)


def incident(**facts: object) -> Incident:
    one = Incident(1, "unit-failed", "shop.service", Severity.HIGH, END - 3600)
    return replace(one, **facts)  # type: ignore[arg-type]


def issue(**facts: object) -> Issue:
    one = Issue("unit-failed", "shop.service", Severity.HIGH, END - 3600, "failed", "failed", "shop.service has failed")
    return replace(one, **facts)  # type: ignore[arg-type]


def test_when_nothing_is_wrong_it_says_so() -> None:
    said = Reader(page.html(shown())).text
    assert "web1: health 100 of 100" in said
    assert said.count("Nothing is wrong.") == 2
    assert said.count("Nothing in the last 24 hours.") == 2
    assert "Health: 100 throughout. Issues: none. Repairs: none." in said


def test_what_is_wrong_and_what_is_done_about_it() -> None:
    done = Attempt(START, END - 3000, END - 2999.5, Result("Failed", "exit-code"))
    mine = incident(outcome="gave-up", reason="the ladder is used up", next=(START, END + 60), attempts=(done,))
    said = Reader(page.html(shown(mine, issues=(issue(),)))).text
    assert "1 issue: 1 high." in said
    assert "▲ high" in said
    assert "shop.service has failed" in said
    assert "gave-up: the ladder is used up" in said
    assert "Next: service/start shop.service at" in said
    assert "Failed exit-code 500ms" in said
    assert "Repairs: 1, of which 1 failed" in said
    assert "not over" in said


def test_a_question_names_the_command_to_type() -> None:
    asked = incident(outcome="asked", reason="a person decides", next=(START, END + 60))
    said = Reader(page.html(shown(asked, issues=(issue(),)))).text
    assert "To have service/start shop.service done: healctl heal 1" in said


def test_everything_is_escaped() -> None:
    action = Action(Category.SERVICE, "start", EVIL)
    bad = incident(subject=EVIL, kind=EVIL, outcome=EVIL, reason=EVIL, next=(action, END + 1),
                   attempts=(Attempt(action, END - 5, END - 4, Result(EVIL, EVIL)),))
    told = shown(bad, issues=(issue(subject=EVIL, kind=EVIL, detail=EVIL),), host=EVIL)
    told = replace(told, known={**told.known, "Mode": EVIL, "Version": EVIL,
                                "Paused": [{"subject": EVIL, "until": "2026-11-26T00:00:00.000Z"}]})
    html = page.html(told)
    read = Reader(html)
    assert "script" not in {tag for tag, _ in read.tags}
    assert "<script" not in html
    assert read.text.count(EVIL) == 17
    assert not [name for _, has in read.tags for name in has if name.startswith("on") or name == "src"]


def test_it_can_be_read_aloud() -> None:
    done = Attempt(START, END - 3000, END - 2999.5, Result("done"))
    read = Reader(page.html(shown(incident(attempts=(done,)), issues=(issue(),))))
    heads = [(tag, text.strip()) for tag, text in read.texts if tag in {"h1", "h2"}]
    assert [tag for tag, _ in heads] == ["h1", *["h2"] * 5]
    assert dict(read.tags)["html"] == {"lang": "en"}
    cells = [has for tag, has in read.tags if tag == "th"]
    assert {has["scope"] for has in cells} == {"col", "row"}
    assert len([1 for tag, _ in read.tags if tag == "table"]) == 3
    assert all(has["aria-hidden"] == "true" for tag, has in read.tags if tag == "svg")
    named = {has["aria-labelledby"] for tag, has in read.tags if tag == "section"}
    assert named == {has["id"] for tag, has in read.tags if tag == "h2"}


def test_no_table_has_more_rows_than_somebody_reads() -> None:
    attempts = tuple(Attempt(START, END - n, END - n + 0.5, Result("done")) for n in range(1, 200))
    many = [incident(id=n, subject=f"{n}.service", attempts=attempts if n == 1 else ()) for n in range(1, 200)]
    read = Reader(page.html(shown(*many, issues=tuple(issue(subject=f"{n}.service") for n in range(200)))))
    assert len([1 for tag, _ in read.tags if tag == "tr"]) == 3 * (ROWS + 1)
    assert read.text.count("The newest 50 of the last 24 hours") == 2
    assert "The worst 50;" in read.text


def test_a_daemon_that_cannot_look_and_a_helper_out_of_reach_are_told() -> None:
    said = Reader(page.html(shown(behind=True, helper=False))).text
    assert "Nothing was wrong when heald could look." in said
    assert "what follows is old" in said
    assert "cannot be reached" in said


@pytest.mark.parametrize("word", page.SHAPES)
def test_every_severity_has_a_colour_in_the_light_and_in_the_dark(word: str) -> None:
    assert style.STYLE.count(f"--{word}:#") == 2


def test_the_style_is_the_one_that_the_policy_lets_through() -> None:
    import base64
    import hashlib

    [inside] = re.findall(r"<style>(.*?)</style>", page.html(shown()), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in style.POLICY[0]
    assert 'style="' not in page.html(shown())
