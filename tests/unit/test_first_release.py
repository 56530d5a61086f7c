"""What the first release (0.1.0) left on a machine is read, and gone on with, by this one.

first_release/ has its files: a history that its daemon wrote in a machine, as SQL; what it had paused;
root's marks of generations; both configurations with every key that it knew, none at its built-in value. They stay as
they are, whatever changes.
"""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from heald import clock, config, document, records, stories
from heald.copies import Copies
from heald.face import why
from heald.history import History
from heald.listen import Listen
from heald.model import Category, Incident, Mode, Severity
from heald.past import one, read
from heald.pauses import Pauses
from heald.probes import Probe
from heald.sensors import generations
from heald.settings import BUILT_IN, Limits, Rule, Rung, Settings
from heald.tally import Tally
from heald.thresholds import Thresholds
from heald_helper import generations as root_s
from heald_helper import settings as root
from unit.test_libexec import program

FILES = Path(__file__).parent / "first_release"
THEN = [
    (4, "/tmp", "healed", ["system/restore-permissions "]),
    (3, "mill.service", "asked", []),
    (2, "crash.service", "open", ["service/start crash.service", "service/repair crash.service"]),
    (1, "shop.service", "healed", ["service/start shop.service"]),
]
"""Number, subject, outcome and actions of each incident."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The history as it was left behind."""
    file = tmp_path / "history.db"
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.executescript((FILES / "history.sql").read_text())
    return file


def shown(path: Path) -> list[tuple[int, str, str, list[str]]]:
    return [(i.id, i.subject, i.outcome, [f"{a.action.name} {a.action.target}" for a in i.attempts])
            for i in read(path, 20)]


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute(f"PRAGMA {name}").fetchone()[0])


def whole(path: Path, number: int) -> dict[str, object]:
    found = one(path, number)
    assert found is not None
    return why.told(document.incident(found, 0.0), stories.read(path, number))


def test_its_history_is_read_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    assert shown(path) == THEN
    told = whole(path, 2)
    assert told["seen"]["detail"] == "crash.service is failed (exit-code), its main process ended with status 7"  # type: ignore[index]
    assert told["ended_by"] == "itself: it ended with exit status 7"
    assert [step["event"] for step in told["steps"]] == ["opened", "decided", "waits", "decided", "waits"]   # type: ignore[attr-defined]
    assert ["I crash" in str(piece) for piece in told["evidence"]] == [True, True]      # type: ignore[attr-defined]
    assert {change["kind"] for change in told["changes"]} == {"file", "package"}       # type: ignore[attr-defined]
    assert path.read_bytes() == before


def test_a_daemon_brings_it_up_to_date_and_goes_on(path: Path) -> None:
    stories_before = [whole(path, number) for number in (1, 2, 3, 4)]
    said: list[str] = []
    history = History(path, said.append)
    assert {i.id: i.outcome for i in history.known.values()} == {n: outcome for n, _, outcome, _ in THEN}
    assert all(i.closed is not None for i in history.known.values())        # that was another boot
    assert history.new_id() == 5
    history.save([Incident(5, "unit-failed", "new.service", Severity.HIGH, clock.boottime())])
    history.close()
    assert said == []
    assert shown(path) == [(5, "new.service", "open", []), *THEN]
    assert pragma(path, "user_version") == records.VERSION
    assert pragma(path, "auto_vacuum") == 2
    assert [whole(path, number)["evidence"] for number in (1, 2, 3, 4)] == [one["evidence"] for one in stories_before]
    assert whole(path, 4) == stories_before[3]
    counted = Tally()
    with closing(sqlite3.connect(path)) as raw:
        counted.add(raw)
    assert counted.repairs == {("service/start", "done"): 2, ("service/repair", "done"): 1,
                               ("system/restore-permissions", "done"): 1}


def test_one_that_could_not_be_brought_up_to_date_is_as_it_was(path: Path) -> None:
    """All or nothing: what comes last fails, as on a full disk."""
    before = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.set_authorizer(lambda what, first, *_: sqlite3.SQLITE_DENY if what == sqlite3.SQLITE_PRAGMA
                           and first == "user_version" and raw.in_transaction else sqlite3.SQLITE_OK)
        with pytest.raises(sqlite3.DatabaseError):
            records.prepare(raw)
    assert pragma(path, "user_version") == 2
    assert shown(path) == THEN
    assert len(before) == path.stat().st_size


def test_one_of_a_newer_heald_is_set_aside_whole_with_one_line(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(f"ALTER TABLE incidents ADD COLUMN novel TEXT; PRAGMA user_version = {records.VERSION + 1}")
    with pytest.raises(OSError, match=f"it is of a newer heald .format {records.VERSION + 1}, known here is"):
        read(path, 5)
    before, said = path.read_bytes(), list[str]()
    history = History(path, said.append)
    history.save([Incident(history.new_id(), "unit-failed", "new.service", Severity.HIGH, clock.boottime())])
    history.close()
    [aside] = path.parent.glob("history.db.newer-*")
    assert aside.read_bytes() == before
    formats = f"format {records.VERSION + 1}, known here is {records.VERSION}"
    assert said == [
        f"history {path} is of a newer heald ({formats}); it is set aside as {aside.name}, a new one is begun"]
    assert shown(path) == [(1, "new.service", "open", [])]


def test_what_it_had_paused_is_paused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(FILES / "paused.json", tmp_path)
    monkeypatch.setattr(clock, "offset", lambda: 1.79e9)         # in 2026
    monkeypatch.setattr(clock, "boottime", lambda: 1000.0)
    said: list[str] = []
    pauses = Pauses(tmp_path / "paused.json", said.append)
    assert pauses.now() == {"quiet.service": "2027-09-22T03:31:33.000Z"}
    pauses.pause("more.service", 60)
    assert Pauses(tmp_path / "paused.json", said.append).now().keys() == {"quiet.service", "more.service"}
    assert said == []


def test_its_configuration_means_what_it_meant() -> None:
    settings = config.load(FILES / "heald.toml")
    rungs = (Rung(Category.SERVICE, "start"), Rung(Category.SERVICE, "repair"),
             Rung(Category.SYSTEM, "run", "reindex"))
    rules = tuple(replace(rule, source=str(FILES / "heald.toml")) for rule in (
        Rule("search", "unit-failed", "opensearch*.service", Severity.HIGH, Mode.AUTO, rungs, 30, 60),
        Rule("leave the backup alone", "unit-failed", "backup.service", mode=Mode.OBSERVE)))
    probes = (Probe("nginx.service", "http", "http://127.0.0.1/health", 20, 5),
              Probe("redis.service", "tcp", "127.0.0.1:6379"), Probe("search.service", "unix", "/run/search.sock"))
    assert replace(settings, rules=settings.rules[:2]) == Settings(
        Mode.ASK, 45, Thresholds(
            disk_percent=85, disk_free=20 << 30, inodes=85, memory_available=12, memory_full=6, pressure_memory=25,
            swap=80, swap_full=4, pressure_io=60, pressure_cpu=70, cpu=75, load=3.5, temperature=8),
        Limits(6, 4, 2, (0, 30, 120, 300, 900, 7200)), rules, probes,
        Listen(enable=True, address="::1", port=9754, hosts=("web1.example.org",)),
        Copies(("~/letters", "/srv/shop"), "/media/backup/alice", 14))
    assert settings.rules[2:] == BUILT_IN


def test_and_root_s() -> None:
    settings, wrong = root.load(f"{FILES}/helper.toml")
    assert wrong == ""
    assert settings == root.Settings(
        protected=("postgres*.service",), may_restart=("nginx.service",), run=("reindex",), auto_rollback=True,
        keep_generations=7, keep_days=60, disk=75, inodes=70, per_hour=30, burst=2, refill=600)
    assert all(mine != builtin for mine, builtin in zip(settings[:-1], root.Settings()[:-1], strict=True))


def test_the_generations_that_it_knew_are_known_to_all_three_who_ask(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("known-good", "known-bad"):
        shutil.copy(FILES / name, tmp_path)
    nix = program("nix")
    for module in (nix, generations, root_s):
        monkeypatch.setattr(module, "MARKS", tmp_path)
    assert (nix.marks("known-good"), nix.marks("known-bad")) == ({41, 42}, {43})
    assert (generations._marks("known-good"), root_s._read("known-bad").split()) == ({41, 42}, ["43"])
    nix.mark("known-good", nix.marks("known-good"))
    assert (tmp_path / "known-good").read_text() == (FILES / "known-good").read_text()
