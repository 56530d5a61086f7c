"""What is paused: it ends by itself, outlives a restart, and bad input changes nothing."""

import json
from pathlib import Path

import pytest

from heald import clock, standback
from heald.errors import Code, HealdError
from heald.model import Issue, Severity
from heald.pauses import MOST, Pauses
from heald.readings import Machine


def at(monkeypatch: pytest.MonkeyPatch, boottime: float, offset: float = 1e9) -> None:
    monkeypatch.setattr(clock, "boottime", lambda: boottime)
    monkeypatch.setattr(clock, "offset", lambda: offset)


def test_it_ends_by_itself_and_stays_the_same_until_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 100)
    pauses = Pauses(tmp_path / "paused.json", print)
    pauses.pause("a.service", 60)
    assert pauses.now() == {"a.service": "2001-09-09T01:49:20.000Z"}
    at(monkeypatch, 159, 1e9 + 0.3)
    assert pauses.now() == {"a.service": "2001-09-09T01:49:20.000Z"}
    at(monkeypatch, 100, 2e9)                   # the wall clock jumps: it lasts as long as it was asked for
    assert list(pauses.now()) == ["a.service"]
    at(monkeypatch, 160)
    assert pauses.now() == {}


def test_it_outlives_a_restart_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 5000)
    Pauses(tmp_path / "paused.json", print).pause("a.service", 60)
    at(monkeypatch, 10, 1e9 + 5000)
    again = Pauses(tmp_path / "paused.json", print)
    assert list(again.now()) == ["a.service"]
    again.resume("a.service")
    assert Pauses(tmp_path / "paused.json", print).now() == {}


@pytest.mark.parametrize(("subject", "seconds", "words"), [
    ("nginx", 60, 'did you mean "nginx.service"?'), ("", 60, "is no subject"), ("a\nb.service", 60, "is no subject"),
    ("x" * 256, 60, "is no subject"), (" a.service", 60, "is no subject"), ("a.service", 0, "a pause lasts"),
    ("a.service", 2**63, "a pause lasts"),
])
def test_bad_input_has_one_error_and_no_effect(tmp_path: Path, subject: str, seconds: int, words: str) -> None:
    pauses = Pauses(tmp_path / "paused.json", print)
    pauses.pause("b.service", 60)
    before = (tmp_path / "paused.json").read_text()
    with pytest.raises(HealdError) as caught:
        pauses.pause(subject, seconds)
    assert words in str(caught.value)
    assert caught.value.code is Code.INVALID_ARGS
    assert "\n" not in str(caught.value)
    with pytest.raises(HealdError, match="is not paused"):
        pauses.resume(subject)
    assert (tmp_path / "paused.json").read_text() == before
    assert list(pauses.now()) == ["b.service"]


def test_so_many_and_no_more(tmp_path: Path) -> None:
    pauses = Pauses(tmp_path / "paused.json", print)
    for number in range(MOST):
        pauses.pause(f"{number}.service", 60)
    with pytest.raises(HealdError, match="paused already"):
        pauses.pause("one.service", 60)
    pauses.pause("1.service", 120)              # one of them, longer


def test_what_cannot_be_kept_is_not_done(tmp_path: Path) -> None:
    pauses = Pauses(tmp_path / "no folder" / "paused.json", print)
    with pytest.raises(HealdError, match="cannot be kept: No such file or directory"):
        pauses.pause("a.service", 60)
    assert pauses.now() == {}


@pytest.mark.parametrize("text", ["", "[]", '{"a.service": "x"}', '{"a": 1}', "\x00", "[" * 100_000])
def test_a_damaged_file_pauses_nothing_and_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "paused.json").write_text(text)
    said: list[str] = []
    pauses = Pauses(tmp_path / "paused.json", said.append)
    assert (pauses.now(), len(said)) == ({}, 1)
    pauses.pause("a.service", 60)
    assert list(json.loads((tmp_path / "paused.json").read_text())) == ["a.service"]


@pytest.mark.parametrize("bad", [
    '"b.service": "x"', '"b": 2e9', '"b.service": Infinity', '"b.service": NaN', '"b.service": 1e400',
    '"b.service": 9e11', '"b.service": null', '"b.service": [1]', f'"b.service": {10**400}', '"b.service": -9e99',
])
def test_one_entry_that_is_wrong_costs_no_other_and_is_told(tmp_path: Path, bad: str) -> None:
    (tmp_path / "paused.json").write_text(f'{{"a.service": 4e9, {bad}, "c.service": 4e9}}')
    said: list[str] = []
    pauses = Pauses(tmp_path / "paused.json", said.append)
    assert (list(pauses.now()), len(said)) == (["a.service", "c.service"], 1)


def test_it_is_on_the_disk_before_it_takes_the_place_of_what_was(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, synced = tmp_path / "paused.json", list[tuple[list[str], bool]]()
    monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(
        (list(json.loads(Path(f"/proc/self/fd/{descriptor}").read_text())), file.exists())))
    Pauses(file, print).pause("a.service", 60)
    assert synced == [(["a.service"], False)]
    assert file.exists()


def test_what_is_paused_is_left_alone_with_its_end_and_its_remedy() -> None:
    machine = Machine(paused={"/var": "2026-01-01T00:00:00Z"})
    issue = Issue("disk-full", "/var", Severity.CRITICAL, 0, "", "", "")
    assert standback.reason(issue, machine, 0) == (
        "paused: by a person until 2026-01-01T00:00:00Z; healctl resume /var")
    assert standback.reason(Issue("disk-full", "/", Severity.CRITICAL, 0, "", "", ""), machine, 0) == ""
