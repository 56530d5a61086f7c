"""journalctl as a subprocess: what it is asked, and that nothing it does raises. A script stands for it."""

import asyncio
import os
from pathlib import Path

import pytest

from heald.sensors import journal


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What will be run as journalctl; write a shell script to it."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    path = tmp_path / "journalctl"
    path.touch(mode=0o755)
    return path


def answer(script: Path, body: str) -> None:
    script.write_text(f"#!/bin/sh\n{body}\n")


def lines(count: int = 20, *, user: bool = False) -> list[str]:
    return asyncio.run(journal.last_lines("a.service", count, until=1.5, user=user))


def test_the_newest_lines_cut_to_their_length(script: Path) -> None:
    answer(script, f"printf 'one\\ntwo\\n'; printf '%0900d\\n' 7; printf '\\377\\n' # {'x' * 9}")
    assert lines(3) == ["two", "0" * journal.LINE, "\N{REPLACEMENT CHARACTER}"]


def test_it_asks_for_one_unit_and_count(script: Path) -> None:
    answer(script, 'echo "$@"')
    [asked] = lines(7)
    assert {"--unit=a.service", "--lines=7", "--until=@1.500000", "--quiet", "--no-pager"} <= set(asked.split())
    [asked] = lines(user=True)
    assert "--user-unit=a.service" in asked.split()


@pytest.mark.parametrize("body", ["exit 1", "echo half; exit 3", "kill -9 $$"])
def test_a_failure_is_no_lines(script: Path, body: str) -> None:
    answer(script, body)
    assert lines() == []


def test_no_journalctl_is_no_lines(script: Path) -> None:
    script.unlink()
    script.parent.joinpath("empty").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(script.parent / "empty"))
        assert lines() == []


def test_one_that_hangs_is_killed(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SECONDS", 0.3)
    answer(script, f"echo $$ > {tmp_path}/pid; exec sleep 1000")
    assert lines() == []
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_the_newest_job_of_one_run_as_pid_1_tells(script: Path, tmp_path: Path) -> None:
    told = [("a.service", "start"), ("b.service", "start"), ("a.service", "stop")]
    lines = "; ".join(f"""echo '{{"UNIT": "{unit}", "JOB_TYPE": "{job}"}}'""" for unit, job in told)
    answer(script, f'echo "$@" > {tmp_path}/asked; {lines}')
    jobs = asyncio.run(journal.newest_jobs({"a.service": "12ab", "b.service": "", "c.service": "34cd"}))
    assert jobs == {"a.service": "stop", "b.service": "start"}
    options, *units = (tmp_path / "asked").read_text().split(" _PID=1 ")
    lines = f"--lines={journal.JOBS * journal.UNITS}"
    assert {"--output-fields=UNIT,JOB_TYPE", lines, "--output=json"} <= set(options.split())
    a, b, c = (set(unit.split()) for unit in units)
    assert {"UNIT=a.service", "INVOCATION_ID=12ab", "JOB_TYPE=stop", "+"} <= a
    assert {"UNIT=b.service", "+"} <= b
    assert not any(match.startswith("INVOCATION_ID") for match in b)
    assert {"UNIT=c.service", "INVOCATION_ID=34cd"} <= c
    assert "+" not in c


def test_of_a_person_s_own_unit_their_own_systemd_tells(script: Path, tmp_path: Path) -> None:
    line = '{"USER_UNIT": "a.service", "JOB_TYPE": "stop"}'
    answer(script, f"echo $@ > {tmp_path}/asked; echo '{line}'")
    assert asyncio.run(journal.newest_jobs({"a.service": "12ab"}, user=True)) == {"a.service": "stop"}
    asked = set((tmp_path / "asked").read_text().split())
    assert {f"_UID={os.getuid()}", "_SYSTEMD_USER_UNIT=init.scope", "USER_UNIT=a.service"} <= asked
    assert "USER_INVOCATION_ID=12ab" in asked
    assert "_PID=1" not in asked


def test_no_job_is_unknown(script: Path) -> None:
    answer(script, "exit 0")
    assert asyncio.run(journal.newest_jobs({"a.service": ""})) == {}
