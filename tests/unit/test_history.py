"""History: kept over a restart, and never in the way of healing."""

import random
import sqlite3
import stat
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from heald import clock
from heald.history import REMEMBERED, History
from heald.model import Action, Attempt, Category, Incident, Result, Severity
from heald.past import read

START = Action(Category.SERVICE, "start", "a.service")


def incident(number: int, **facts: object) -> Incident:
    one = Incident(number, "unit-failed", "a.service", Severity.HIGH, clock.boottime())
    return replace(one, **facts)  # type: ignore[arg-type]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def history(tmp_path: Path, said: list[str]) -> History:
    return History(tmp_path / "state" / "history.db", said.append)


def test_what_was_saved_is_there_after_a_restart(history: History, tmp_path: Path, said: list[str]) -> None:
    now = clock.boottime()
    whole = incident(
        history.new_id(), outcome="healed", reason="well again", well=now, healed=now, skipped=frozenset({"x"}),
        attempts=(Attempt(START, now, now + 1, Result("done", "failed -> active")), Attempt(START, now + 2)),
        next=(START, now + 30), ill=now, files=5.5, halted=True,
    )
    history.save([whole])
    history.close()
    again = History(tmp_path / "state" / "history.db", said.append)
    loaded = again.known[whole.id]
    assert loaded.attempts[0].result == Result("done", "failed -> active")
    assert loaded.attempts[1].finished is None
    assert loaded.opened == pytest.approx(whole.opened, abs=1)
    assert replace(loaded, opened=0, ill=0, well=0, healed=0, attempts=(), next=None) == replace(
        whole, opened=0, ill=0, well=0, healed=0, attempts=(), next=None)
    assert again.new_id() == whole.id + 1
    assert said == []


def test_nobody_else_reads_it(history: History, tmp_path: Path) -> None:
    history.save([incident(1)])
    assert stat.S_IMODE((tmp_path / "state" / "history.db").stat().st_mode) == 0o640


def test_a_damaged_file_is_set_aside_and_healing_goes_on(tmp_path: Path, said: list[str]) -> None:
    file = tmp_path / "history.db"
    file.write_bytes(b"this is no database, but it is longer than its header is" * 40)
    history = History(file, said.append)
    history.save([incident(history.new_id())])
    assert len(read(file, 5)) == 1
    (aside,) = tmp_path.glob("history.db.bad-*")
    assert b"no database" in aside.read_bytes()
    assert len(said) == 1
    assert "is set aside as history.db.bad-" in said[0]


@pytest.mark.parametrize("damage", ["skipped = 'x'", "severity = 77", "opened = 'never'", "next_operation = 'x/y'"])
def test_a_row_that_makes_no_sense_is_damage(tmp_path: Path, said: list[str], damage: str) -> None:
    file = tmp_path / "history.db"
    history = History(file, said.append)
    history.save([incident(history.new_id(), next=(START, 1.0))])
    history.close()
    with closing(sqlite3.connect(file)) as raw:
        raw.execute(f"UPDATE incidents SET {damage}")
        raw.commit()
    with pytest.raises(OSError, match="cannot be read"):
        read(file, 5)
    again = History(file, said.append)
    again.save([incident(again.new_id())])
    assert len(read(file, 5)) == 1
    assert len(list(tmp_path.glob("history.db.bad-*"))) == 1


def test_no_damage_at_all_ends_healing(tmp_path: Path, said: list[str]) -> None:
    good = tmp_path / "good.db"
    history = History(good, said.append)
    history.save(incident(history.new_id(), attempts=(Attempt(START, 1.0, 2.0, Result("done")),)) for _ in range(50))
    history.close()
    sound, dice = good.read_bytes(), random.Random(5)
    for number in range(150):
        file = tmp_path / str(number) / "history.db"
        file.parent.mkdir()
        bytes_ = bytearray(sound)
        for _ in range(dice.choice((1, 20, 400))):
            bytes_[dice.randrange(len(bytes_))] = dice.randrange(256)
        file.write_bytes(bytes_)
        with suppress(OSError):
            read(file, 20)
        damaged = History(file, said.append)
        damaged.save([incident(damaged.new_id())])
        damaged.close()


def test_one_damaged_while_it_is_open_loses_nothing_that_is_known(tmp_path: Path, said: list[str]) -> None:
    file = tmp_path / "history.db"
    history = History(file, said.append)
    history.save([incident(1), incident(2)])
    for part in tmp_path.glob("history.db*"):
        part.write_bytes(b"\x00garbage" * 4000)
    for number in range(3, 6):
        history.save([incident(number)])
    assert {i.id for i in read(file, 20)} == {1, 2, 3, 4, 5}


def test_what_cannot_be_written_is_no_damage_of_the_file_and_costs_no_more_than_itself(
        history: History, tmp_path: Path, said: list[str]) -> None:
    history.save([incident(1)])
    unfit: tuple[dict[str, object], ...] = ({"reason": "\udcff"}, {"files": {"no": "number"}}, {"files": 2**64})
    for number, facts in enumerate(unfit, 2):
        history.save([incident(number, **facts)])
        history.save([incident(number + 10)])
    assert {i.id for i in read(tmp_path / "state" / "history.db", 20)} == {1, 12, 13, 14}
    assert ["as it cannot be" in line for line in said] == [True] * 3
    assert list((tmp_path / "state").glob("history.db.*")) == []


def test_what_is_set_aside_takes_nobody_s_place_and_is_one_file_each_time(tmp_path: Path, said: list[str],
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1e9)
    for number in range(3):
        (tmp_path / "history.db").write_bytes(b"no database %d" % number * 100)
        History(tmp_path / "history.db", said.append).close()
    kept = sorted(path.read_bytes()[:13] for path in tmp_path.glob("history.db.bad-*"))
    assert kept == [b"no database 0", b"no database 1", b"no database 2"]
    history = History(tmp_path / "history.db", said.append)

    def fails(_: object) -> None:
        raise ValueError                        # on the new file, too
    history.tend(fails)
    assert len(list(tmp_path.glob("history.db.bad-*"))) == 4
    history.save([incident(1)])
    assert len(read(tmp_path / "history.db", 5)) == 1


def test_a_lock_is_waited_out_in_memory(history: History, tmp_path: Path, said: list[str]) -> None:
    file = tmp_path / "state" / "history.db"
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    history.save([incident(history.new_id(), reason="while locked")])
    assert history.known[1].reason == "while locked"
    assert ["cannot be written" in line for line in said] == [True]
    holder.execute("ROLLBACK")
    holder.close()
    history.save([incident(history.new_id())])
    assert {i.id for i in read(file, 5)} == {1, 2}


def test_a_missing_file_is_made_again_with_all_that_is_known(history: History, tmp_path: Path) -> None:
    history.save([incident(history.new_id())])
    for part in (tmp_path / "state").glob("*"):
        part.unlink()
    history.save([incident(history.new_id())])
    assert {i.id for i in read(tmp_path / "state" / "history.db", 5)} == {1, 2}


def test_a_folder_that_cannot_be_made(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "history.db", said.append)
    history.save([incident(history.new_id())])
    history.save([incident(history.new_id())])
    assert len(history.known) == 2
    assert len(said) == 1               # said once


def test_an_incident_of_another_boot_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = History(tmp_path / "history.db", print)
    first.save([incident(1), incident(2, closed=clock.boottime())])
    first.close()
    monkeypatch.setattr("heald.clock.boot_id", lambda: "another boot")
    second = History(tmp_path / "history.db", print)
    assert all(i.closed is not None for i in second.known.values())
    assert second.known[1].reason == "the machine was started again"


def test_memory_keeps_the_open_and_the_newest(history: History) -> None:
    now = clock.boottime()
    history.save([incident(1)])
    history.save(incident(n, closed=now) for n in range(2, 60))
    assert 1 in history.known
    assert len(history.known) == REMEMBERED + 1


def test_evidence_is_there_before_the_act(history: History, tmp_path: Path) -> None:
    history.add_evidence(1, {"result": "signal"}, ["one", "two"])
    history.save([incident(1)])
    with closing(sqlite3.connect(tmp_path / "state" / "history.db")) as file:
        rows = file.execute("SELECT incident, properties, journal FROM evidence").fetchall()
    assert rows == [(1, '{"result": "signal"}', "one\ntwo")]


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "history.db", 5)
    (tmp_path / "bad.db").write_text("not a database at all, no")
    with pytest.raises(OSError, match="cannot be read"):
        read(tmp_path / "bad.db", 5)


def test_a_file_of_version_1_is_brought_up_to_date(tmp_path: Path, said: list[str]) -> None:
    file = tmp_path / "history.db"
    history = History(file, said.append)
    history.save([incident(1, attempts=(Attempt(START, 1.0, 2.0, Result("done")),))])
    history.close()
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript("ALTER TABLE incidents DROP COLUMN halted; ALTER TABLE actions DROP COLUMN subject;"
                          "PRAGMA user_version = 1")
    again = History(file, said.append)
    again.save([replace(again.known[1], halted=True)])
    again.close()
    assert said == []
    last = History(file, said.append).known[1]
    assert last.halted
    assert last.attempts[0].subject == ""


def test_the_last_day_is_what_was_open_in_it_from_the_file_and_from_memory(
        history: History, tmp_path: Path, said: list[str]) -> None:
    now = clock.boottime()
    history.save([incident(history.new_id(), opened=now - 500, closed=now - n) for n in range(200, 0, -1)])
    found = history.since(now - 150.5, 100)
    assert [i.id for i in found] == list(range(101, 201))
    assert [i.id for i in history.since(now - 20.5, 100)] == list(range(181, 201))
    assert found[0].opened == pytest.approx(now - 500)
    history.save([incident(history.new_id())])
    for file in (tmp_path / "state").iterdir():
        file.unlink()
    (tmp_path / "state" / "history.db").write_bytes(b"no database" * 1000)
    assert history.since(now - 20.5, 100)[-1].id == 201
    assert "is damaged" in said[-1]
