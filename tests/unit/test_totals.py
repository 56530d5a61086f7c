"""What is counted, and that a restart changes no count."""

from dataclasses import replace
from pathlib import Path

import pytest

from heald import clock
from heald.face.totals import Totals
from heald.history import REMEMBERED, History
from heald.model import Action, Attempt, Category, Incident, Result, Severity
from heald.notes import Notes
from heald.tally import BUCKETS

START = Action(Category.SERVICE, "start", "a.service")
NOW = clock.boottime()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def history(path: Path) -> History:
    return History(path, print)


def fresh(path: Path, history: History) -> Totals:
    return Totals(path, lambda: history.known, print)


def counts(totals: Totals) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int], list[int], float]:
    return dict(totals.repairs), dict(totals.incidents), totals.took, round(totals.seconds, 3)


def attempt(at: float, took: float | None, result: str = "done") -> Attempt:
    return Attempt(START, NOW + at) if took is None else Attempt(START, NOW + at, NOW + at + took, Result(result))


def test_a_repair_counts_when_it_was_answered_and_an_incident_when_it_is_closed(path: Path, history: History) -> None:
    totals = fresh(path, history)
    one = Incident(history.new_id(), "unit-failed", "a.service", Severity.HIGH, NOW)

    def becomes(**facts: object) -> None:
        nonlocal one
        one = replace(one, **facts)  # type: ignore[arg-type]
        history.save([one])
        totals.seen(one)
    becomes()
    becomes(attempts=(attempt(1, None),))
    assert not totals.repairs
    becomes(attempts=(attempt(1, 0.2, "Failed"),))
    becomes(attempts=(attempt(1, 0.2, "Failed"), attempt(2, 20, "running"), attempt(30, 0.03)))
    becomes(attempts=(*one.attempts, attempt(40, 0.01, "Healthy")), outcome="healed")
    assert not totals.incidents
    becomes(closed=NOW + 50)
    becomes(attempts=(*one.attempts, attempt(60, 0.01)))       # a limit is lifted after its end
    took = [0] * (len(BUCKETS) + 1)
    took[0] = took[1] = took[3] = 1
    assert counts(totals) == (
        {("service/start", "Failed"): 1, ("service/start", "running"): 1, ("service/start", "done"): 2,
         ("service/start", "Healthy"): 1}, {("unit-failed", "healed"): 1}, took, 0.24)
    assert counts(fresh(path, history)) == counts(totals)


def test_what_was_taken_along_counts_once(path: Path, history: History) -> None:
    totals, done = fresh(path, history), attempt(1, 1)
    home = Incident(history.new_id(), "disk-full", "/", Severity.HIGH, NOW, attempts=(done,))
    apart = Incident(history.new_id(), "unit-failed", "a.service", Severity.HIGH, NOW + 5, attempts=(done,))
    history.save([home, apart])
    for one in (home, apart):
        totals.seen(one)
    assert totals.repairs == {("service/start", "done"): 1}
    assert counts(fresh(path, history)) == counts(totals)


def test_an_incident_that_was_known_before_counts_only_what_is_new(path: Path, history: History) -> None:
    one = Incident(history.new_id(), "unit-failed", "a.service", Severity.HIGH, NOW, attempts=(attempt(1, 1),))
    history.save([one])
    totals = fresh(path, history)
    again = replace(one, reason="looked at again")
    history.save([again])
    totals.seen(again)
    assert totals.repairs == {("service/start", "done"): 1}


def test_an_older_incident_counts_when_it_is_closed_though_the_history_forgets_it(path: Path, history: History) -> None:
    totals = fresh(path, history)
    notes = Notes(history, lambda _: None, totals.seen, at_once=False)
    one = Incident(history.new_id(), "unit-failed", "a.service", Severity.HIGH, NOW)
    notes.save([one, *(replace(one, id=history.new_id()) for _ in range(REMEMBERED))])
    notes.save([replace(one, closed=NOW + 1, outcome="cleared")])
    assert one.id not in history.known
    assert totals.incidents == {("unit-failed", "cleared"): 1}


def test_a_history_that_cannot_be_read_is_told_and_counted_from_0(path: Path, history: History) -> None:
    history.close()
    path.write_bytes(b"no database" * 1000)
    said: list[str] = []
    totals = Totals(path, dict, said.append)
    assert counts(totals) == ({}, {}, [0] * (len(BUCKETS) + 1), 0.0)
    [line] = said
    assert line.startswith(f"metrics count from 0: {path} cannot be read: ")
