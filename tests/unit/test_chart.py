"""The chart of the last day as SVG: one unit a minute, from 1440 minutes ago until now."""

import re
from xml.etree import ElementTree

import pytest

from heald.day import DAY, Step
from heald.face import chart
from heald.model import Action, Attempt, Category, Result

BEGIN = 5000.0
START = Action(Category.SERVICE, "start", "a.service")
STEPS = [Step(BEGIN, 100, 0), Step(BEGIN + 600, 60, 2), Step(BEGIN + 1200, 80, 1), Step(BEGIN + DAY, 80, 1)]


def paths(svg: str) -> list[str]:
    return re.findall(r' d="([^"]+)"', svg)


def test_health_goes_down_and_up_in_stairs() -> None:
    below, line = paths(chart.health(STEPS, BEGIN))
    assert line == "M0 0H10.0V40H20.0V20H1440V20H1440"
    assert below == f"{line}V100H0Z"


def test_the_most_issues_fill_their_lane() -> None:
    assert paths(chart.issues(STEPS, BEGIN)) == ["M0 40H10.0V0H20.0V20H1440V20H1440V40H0Z"]
    assert paths(chart.issues([Step(BEGIN, 100, 0)], BEGIN)) == ["M0 40H1440V40H0Z"]


@pytest.mark.parametrize(("result", "mark"), [
    ("done", ("done", "0")), ("unchanged", ("done", "0")), ("running", ("done", "0")), (None, ("done", "0")),
    ("Failed", ("not", "12")), ("Timeout", ("not", "12")),
])
def test_what_was_done_is_a_tall_mark_and_what_was_not_a_short_one(result: str | None, mark: tuple[str, str]) -> None:
    attempt = Attempt(START, BEGIN + 3600, None, Result(result) if result else None)
    svg = ElementTree.fromstring(chart.repairs([attempt], BEGIN))
    [line] = [line for line in svg if line.get("class")]
    assert (line.get("class"), line.get("y1")) == mark
    assert (line.get("x1"), line.get("x2"), line.get("y2")) == ("60.0", "60.0", "24")
