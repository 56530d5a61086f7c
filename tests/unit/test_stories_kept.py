"""What `healctl why` tells is kept in the history file: bounded, and beside what an older heald wrote."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from heald import clock, stories
from heald.history import History
from heald.model import Action, Attempt, Category, Incident, Issue, Result, Severity
from heald.past import one
from heald.stories import Change, Findings

START = Action(Category.SERVICE, "start", "a.service")
ISSUE = Issue("unit-failed", "a.service", Severity.HIGH, 5.0, "failed", "failed", "a.service is failed (signal)")


def incident(number: int = 1, **facts: object) -> Incident:
    made = Incident(number, "unit-failed", "a.service", Severity.HIGH, clock.boottime(), issue=ISSUE)
    return replace(made, **facts)  # type: ignore[arg-type]


def events(*states: Incident) -> list[tuple[str, str]]:
    pairs = zip((None, *states), states, strict=False)
    return [(event, why) for before, after in pairs for _, _, event, why in stories.steps(before, after, 0.0)]


def test_each_thing_that_happened_once() -> None:
    opened = incident()
    waits = replace(opened, reason="boot: it starts", outcome="stood-back")
    tried = replace(opened, attempts=(Attempt(START, 1.0),), reason='rule "service": service/start a.service')
    answered = replace(tried, attempts=(Attempt(START, 1.0, 2.0, Result("done")),))
    healed = replace(answered, well=3.0, healed=3.0, outcome="healed")
    relapsed = replace(healed, well=None, outcome="open", reason="it fell ill again")
    later = replace(relapsed, reason="1 repair so far", next=(START, 30.0))
    gave_up = replace(later, outcome="gave-up", reason="the ladder is used up")
    closed = replace(gave_up, well=9.0, closed=9.0)
    assert events(opened, waits, tried, answered, healed, relapsed, later, gave_up, gave_up, closed) == [
        ("opened", "a.service is failed (signal)"), ("stood-back", "boot: it starts"),
        ("decided", 'rule "service": service/start a.service'),
        ("healed", ""), ("relapsed", "it fell ill again"),
        ("waits", "1 repair so far"), ("gave-up", "the ladder is used up"), ("well", "the ladder is used up"),
        ("closed", "the ladder is used up")]


def test_the_story_is_read_as_it_was_told(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", print)
    history.add_evidence(1, {"result": "signal"}, ["one", "two"])
    found = Findings("a person", (Change(7.0, "file", "/etc/a", "was written"),), 3)
    history.save([incident()])
    history.add_findings(1, found)
    history.close()
    story = stories.read(tmp_path / "history.db", 1)
    assert story.seen is not None
    assert story.seen[0] == pytest.approx(5.0 + clock.offset(), abs=1)
    assert story.seen[1:] == ("failed", "failed", ISSUE.detail)
    assert [step[2] for step in story.steps] == ["opened"]
    assert (story.findings, len(story.evidence)) == (found, 1)
    assert (story.evidence[0].properties, story.evidence[0].journal) == ({"result": "signal"}, ("one", "two"))
    assert stories.read(tmp_path / "history.db", 2) == stories.Story()


def test_a_long_incident_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    history = History(file, print)
    for number in range(300):
        history.add_evidence(1, {"n": number}, ["x" * 500] * 20)
        history.save([incident(reason=f"{number}" * 400), incident(2, reason=f"{number}")])
    history.close()
    story = stories.read(file, 1)
    assert len(story.steps) == stories.STEPS_KEPT
    assert [piece.properties["n"] for piece in story.evidence] == [0, *range(293, 300)]
    assert sum(len(step[3]) for step in story.steps) + sum(len("".join(p.journal)) for p in story.evidence) < 200_000
    assert len(stories.read(file, 2).steps) == stories.STEPS_KEPT


def old_file(file: Path) -> None:
    """As the heald before this one wrote it."""
    History(file, print).save([incident(1)])
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript("DROP TABLE seen; DROP TABLE steps; DROP TABLE findings;"
                          "PRAGMA user_version = 2;"
                          "INSERT INTO evidence VALUES (1, 7.0, '{\"result\": \"signal\"}', 'one')")


def test_a_file_of_an_older_heald_is_read_and_written(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    old_file(file)
    story = stories.read(file, 1)
    assert (story.seen, story.steps, story.findings, len(story.evidence)) == (None, (), None, 1)
    said: list[str] = []
    again = History(file, said.append)
    again.save([replace(again.known[1], reason="boot: it starts", outcome="stood-back")])
    again.close()
    assert said == []
    assert [step[2] for step in stories.read(file, 1).steps] == ["stood-back"]


@pytest.mark.parametrize("damage", [
    "UPDATE seen SET value = 'x'", "UPDATE steps SET at = 'never'", "UPDATE evidence SET properties = '7'",
    "UPDATE findings SET changes = '[{}]'", "DROP TABLE seen; CREATE TABLE seen (incident)",
])
def test_what_makes_no_sense_is_an_error_in_one_line(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "history.db"
    history = History(file, print)
    history.add_evidence(1, {}, [])
    history.add_findings(1, Findings())
    history.save([incident()])
    history.close()
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript(damage + ("; INSERT INTO seen VALUES (1)" if "DROP" in damage else ""))
    with pytest.raises(OSError, match="cannot be read"):
        stories.read(file, 1)


def test_what_waits_for_a_disk_is_bounded_and_written_later(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    history = History(file, print)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    history.save([incident()])
    history.add_findings(1, Findings("itself"))
    history.flush()
    holder.execute("ROLLBACK")
    holder.close()
    history.flush()
    story = stories.read(file, 1)
    assert (story.findings, [step[2] for step in story.steps]) == (Findings("itself"), ["opened"])


def test_the_newest_that_is_ill_else_open_else_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    history = History(file, print)
    assert one(file, None) is None
    now = clock.boottime()
    history.save([incident(1, closed=now, well=now), incident(2, closed=now, well=now)])
    assert (found := one(file, None)) is not None
    assert found.id == 2
    history.save([incident(3), incident(4, well=now), incident(5, closed=now, well=now)])
    assert [one(file, number).id for number in (None, 5)] == [3, 5]  # type: ignore[union-attr]
    history.save([incident(3, closed=now, well=now)])
    assert one(file, None).id == 4  # type: ignore[union-attr]
    assert one(file, 99) is None
    history.close()
    with pytest.raises(FileNotFoundError):
        one(tmp_path / "none.db", None)


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", print)
    history.save([incident(issue=replace(ISSUE, value=97.25, threshold=90))])
    history.close()
    assert stories.read(tmp_path / "history.db", 1).seen[1:3] == (97.25, 90)  # type: ignore[index]
