"""What is too old, or too much, is pruned in bounded steps; what is open, published or counted is not lost."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heald import clock, quantities, stories
from heald.face.totals import Totals
from heald.history import REMEMBERED, History
from heald.keeping import DAY, Keeping
from heald.model import Action, Attempt, Category, Incident, Issue, Result, Severity
from heald.past import one, read
from heald.retention import FIRST, PAGES, STEP, Retention
from heald.stories import Findings

START = Action(Category.SERVICE, "start", "a.service")
TABLES = ("actions", "evidence", "seen", "steps", "findings")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    made = History(path, pytest.fail)
    yield made
    made.close()


def add(history: History, count: int, age: float, *, lines: int = 1, closed: bool = True) -> list[int]:
    """So many incidents that ended `age` seconds ago, with something in every table."""
    numbers = []
    for first in range(0, count, 100):
        made = []
        for _ in range(min(100, count - first)):
            began = clock.boottime() - age - 700
            issue = Issue("unit-failed", "a.service", Severity.HIGH, began, "failed", "failed", "a.service is failed")
            incident = Incident(
                history.new_id(), "unit-failed", "a.service", Severity.HIGH, began, "healed", issue=issue,
                attempts=(Attempt(START, began, began + 0.03, Result("done")),), well=began + 1, healed=began + 1,
                closed=began + 700 if closed else None)
            history.add_evidence(incident.id, {}, ["x" * 100] * lines)
            history.add_findings(incident.id, Findings("a person"))
            made.append(incident)
        history.save(made)
        numbers += [incident.id for incident in made]
    return numbers


def retention(history: History, keep: str = "30d", size: int = 1 << 30) -> Retention:
    return Retention(history, lambda: Keeping(quantities.seconds(keep), size), lambda: False)


def left(path: Path) -> set[int]:
    return {incident.id for incident in read(path, 10**6)}


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute(f"PRAGMA {name}").fetchone()[0])


def size(path: Path) -> int:
    return pragma(path, "page_count") * pragma(path, "page_size")


def test_what_is_older_goes_with_all_that_was_kept_of_it_a_bounded_number_at_a_time(
        history: History, path: Path) -> None:
    old, kept = add(history, 2 * STEP + 30, 31 * DAY), add(history, 50, 29 * DAY)
    keeper = retention(history)
    assert keeper.step()
    assert left(path) == {*old[STEP:], *kept}                       # the oldest first
    assert keeper.step()
    assert left(path) == {*old[2 * STEP:], *kept}
    while keeper.step():
        pass
    assert left(path) == set(kept)
    with closing(sqlite3.connect(path)) as raw:
        for table in TABLES:
            assert {row[0] for row in raw.execute(f"SELECT incident FROM {table}")} == set(kept), table
    assert stories.read(path, kept[0]).findings == Findings("a person")


def test_what_is_open_stays_however_old_and_so_do_the_newest(history: History, path: Path) -> None:
    open_ = add(history, 5, 400 * DAY, closed=False)
    newest = add(history, STEP, 399 * DAY)
    while retention(history, "1d", 1).step():
        pass
    assert left(path) == {*open_, *newest[-REMEMBERED:]}
    assert {i.id for i in history.known.values() if i.closed is None} == set(open_)
    assert len(stories.read(path, open_[0]).evidence) == 1
    assert history.new_id() == newest[-1] + 1                       # no number comes twice
    history.close()
    again = History(path, pytest.fail)
    assert again.new_id() == newest[-1] + 1
    again.close()


def test_what_is_too_much_goes_however_young(history: History, path: Path) -> None:
    numbers = add(history, 3000, DAY, lines=20)
    assert size(path) > 5 << 20
    keeper = retention(history, "1y", 3 << 20)
    while keeper.step():
        pass
    assert size(path) <= 3 << 20
    remains = left(path)
    assert remains == set(numbers[-len(remains):])                  # the youngest
    assert len(remains) > 1000                                      # and no more than need be
    add(history, 2000, 0.0, lines=20)
    while keeper.step():
        pass
    assert size(path) <= 3 << 20
    history.close()
    assert path.stat().st_size <= 3 << 20


def test_a_step_gives_back_a_bounded_number_of_pages(history: History, path: Path) -> None:
    add(history, STEP, 40 * DAY, lines=400)
    add(history, REMEMBERED, 0.0)
    before = pragma(path, "page_count")
    keeper = retention(history)
    assert keeper.step()
    assert before - PAGES - 1 <= pragma(path, "page_count") < before     # a page of SQLite's own goes with them
    while keeper.step():
        pass
    assert pragma(path, "freelist_count") == 0
    assert pragma(path, "page_count") < before / 10


def test_counters_go_on_where_they_were(history: History, path: Path) -> None:
    """Prometheus takes a counter that went back for a new one, and counts all of it again."""
    add(history, STEP + 50, 31 * DAY)
    add(history, 10, DAY)
    before = Totals(path, lambda: history.known, pytest.fail)
    assert before.repairs == {("service/start", "done"): STEP + 60}
    keeper = retention(history)
    while keeper.step():
        pass
    after = Totals(path, lambda: history.known, pytest.fail)
    assert (after.repairs, after.incidents, after.took) == (before.repairs, before.incidents, before.took)
    assert after.seconds == pytest.approx(before.seconds)
    assert len(left(path)) < STEP


def test_it_waits_for_a_quiet_time(history: History, path: Path) -> None:
    """Not in the first minutes, when a clock may be wrong; not while something is repaired; else hourly, or at once."""
    add(history, STEP + 1, 31 * DAY)
    add(history, REMEMBERED, 0.0)
    at, busy = [1000.0], [False]
    keeper = Retention(history, lambda: Keeping(30 * DAY), lambda: busy[0], now=lambda: at[0])

    def after(seconds: float) -> int:
        at[0] += seconds
        keeper.go_on()
        return len(left(path)) - REMEMBERED
    assert after(FIRST - 1) == STEP + 1
    busy[0] = True
    assert after(100) == STEP + 1
    busy[0] = False
    assert after(1) == 1
    for _ in range(3):
        assert after(1) == 0
    add(history, STEP, 31 * DAY)
    add(history, REMEMBERED, 0.0)
    assert after(1800) == STEP + REMEMBERED
    assert after(1801) == REMEMBERED


def test_a_file_that_cannot_be_used_now_is_left_for_later(history: History, path: Path, tmp_path: Path) -> None:
    add(history, STEP, 31 * DAY)
    add(history, REMEMBERED, 0.0)
    said: list[str] = []
    other = History(path, said.append)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert not retention(other).step()
        holder.execute("ROLLBACK")
    assert ["cannot be written" in line for line in said] == [True]
    retention(other).step()
    assert len(left(path)) == REMEMBERED
    other.close()


def work(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many instructions SQLite executes for all that is asked of a history, in units of 10."""
    connect, done = sqlite3.connect, [0]

    def counted(*words: Any, **more: Any) -> sqlite3.Connection:
        file: sqlite3.Connection = connect(*words, **more)
        file.set_progress_handler(lambda: done.__setitem__(0, done[0] + 1), 10)
        return file
    monkeypatch.setattr(sqlite3, "connect", counted)
    history = History(path, pytest.fail)
    history.save([replace(i, reason="again") for i in list(history.known.values())[:3]])
    history.since(clock.boottime() - 2 * DAY, 100)
    retention(history).step()
    history.close()
    one(path, None)
    one(path, 7)
    read(path, 20)
    stories.read(path, 7)
    monkeypatch.undo()
    return done[0]


def test_ten_times_as_long_a_history_is_no_more_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open, to write, to prune and to read a part of it; a table that was read whole would be ten times the work."""
    works = []
    for count in (STEP * 2, STEP * 20):
        made = History(tmp_path / f"{count}.db", pytest.fail)
        add(made, count, 31 * DAY)
        add(made, REMEMBERED, DAY)
        made.close()
        works.append(work(tmp_path / f"{count}.db", monkeypatch))
    assert works[0] > 100
    assert works[1] < 1.5 * works[0]


def test_a_year_is_a_span(path: Path) -> None:
    assert quantities.seconds("1y") == Keeping().keep == 365.25 * DAY
    assert time.time() - Keeping().keep > 0
