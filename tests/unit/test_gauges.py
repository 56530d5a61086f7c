"""The kinds that are a number past its mark: when each begins, stays as it was, and clears; whom it blames."""

from dataclasses import replace
from typing import NamedTuple

import pytest

from heald.detector import Seen, detect, issues
from heald.model import Issue, Severity
from heald.readings import FileSystem, Holder, Load, Machine, Snapshot, Temperature
from heald.settings import Rule, Settings
from heald.thresholds import Thresholds

GIB = 1 << 30
WELL = Load(available=60, swap=0, per_core=0.3, cpu=10, memory_full=0, io_full=0, cpu_some=1)
BLIND = replace(WELL, memory_full=None, io_full=None, cpu_some=None)        # a kernel without PSI
FS = FileSystem("/", "/dev/a", "ext4", 40 * GIB, GIB, 39 * GIB, inodes=1000, inodes_free=1000)
SENSOR = Temperature("coretemp Core 0", 50, 100)
Reading = Load | FileSystem | Temperature
Memory = dict[tuple[str, str], Seen]



class Case(NamedTuple):
    """A kind, the seconds that it must be wrong, its severity, and a reading that is ill, one between, one well."""

    kind: str
    wait: float
    severity: Severity
    ill: Reading
    between: Reading
    well: Reading


KINDS = [
    Case("inodes-full", 60, Severity.HIGH, replace(FS, inodes_free=90), replace(FS, inodes_free=150),
         replace(FS, inodes_free=200)),
    Case("memory-low", 30, Severity.HIGH, replace(WELL, available=9, memory_full=6),
         replace(WELL, available=14, memory_full=1), replace(WELL, available=16, memory_full=6)),
    Case("memory-low", 30, Severity.HIGH, replace(WELL, available=9, memory_full=6),
         replace(WELL, available=3, memory_full=0.1), replace(WELL, available=3, memory_full=0)),
    Case("memory-low", 120, Severity.HIGH, replace(BLIND, available=4.9), replace(BLIND, available=9),
         replace(BLIND, available=10)),
    Case("pressure-memory", 30, Severity.HIGH, replace(WELL, memory_full=21), replace(WELL, memory_full=16),
         replace(WELL, memory_full=15)),
    Case("swap-full", 120, Severity.MEDIUM, replace(WELL, swap=91, memory_full=6),
         replace(WELL, swap=86, memory_full=6), replace(WELL, swap=84, memory_full=6)),
    Case("pressure-io", 300, Severity.LOW, replace(WELL, io_full=51), replace(WELL, io_full=46),
         replace(WELL, io_full=45)),
    Case("pressure-cpu", 600, Severity.LOW, replace(WELL, cpu_some=81), replace(WELL, cpu_some=76),
         replace(WELL, cpu_some=75)),
    Case("cpu-busy", 600, Severity.LOW, replace(WELL, cpu=81), replace(WELL, cpu=76), replace(WELL, cpu=75)),
    Case("load-high", 600, Severity.LOW, replace(WELL, per_core=4.1), replace(WELL, per_core=3.6),
         replace(WELL, per_core=3.5)),
    Case("temperature-high", 300, Severity.MEDIUM, replace(SENSOR, celsius=96), replace(SENSOR, celsius=91),
         replace(SENSOR, celsius=90)),
]
every_kind = pytest.mark.parametrize("case", KINDS, ids=lambda case: case.kind)


def look(now: float, reading: Reading, memory: Memory | None = None, settings: Settings | None = None) -> Memory:
    snapshot = Snapshot(
        now, Machine(),
        filesystems=(reading,) if isinstance(reading, FileSystem) else None,
        loads=(reading,) if isinstance(reading, Load) else None,
        temperatures=(reading,) if isinstance(reading, Temperature) else None)
    return detect(snapshot, settings or Settings(), memory or {})


def of(kind: str, memory: Memory) -> Issue | None:
    return next((issue for issue in issues(memory) if issue.kind == kind), None)


def opened(kind: str, wait: float, ill: Reading) -> Memory:
    seen = look(wait, ill, look(0, ill))
    assert of(kind, seen)
    return seen


@every_kind
def test_begins_when_it_was_wrong_for_its_time(case: Case) -> None:
    seen = look(0, case.ill)
    assert not of(case.kind, seen)
    assert not of(case.kind, look(case.wait - 1, case.ill, seen))
    issue = of(case.kind, look(case.wait, case.ill, seen))
    assert issue
    assert (issue.severity, issue.since) == (case.severity, 0)
    assert issue.detail


@every_kind
def test_between_it_stays_what_it_was_and_then_clears(case: Case) -> None:
    assert not of(case.kind, look(case.wait + 1, case.between, look(0, case.between)))
    seen = look(case.wait + 1, case.between, opened(case.kind, case.wait, case.ill))
    assert of(case.kind, seen)
    assert not of(case.kind, look(case.wait + 2, case.well, seen))
    assert not of(case.kind, look(case.wait + 2, case.well, opened(case.kind, case.wait, case.ill)))


@every_kind
def test_time_is_not_added_up(case: Case) -> None:
    seen = look(case.wait - 1, case.well, look(0, case.ill))
    assert not of(case.kind, look(case.wait + 1, case.ill, seen))


@pytest.mark.parametrize("reading", [WELL, BLIND, FS, SENSOR])
def test_nothing_is_wrong_with_a_machine_that_is_well(reading: Reading) -> None:
    assert not look(0, reading)


@pytest.mark.parametrize("reading", [
    replace(WELL, available=3),                         # little memory that nobody waits for
    replace(WELL, memory_full=6),                       # they wait for memory that is there
    replace(WELL, swap=99),                             # a swap that is full, and nobody minds
    replace(BLIND, swap=99), replace(BLIND, available=6),
    replace(WELL, cpu=None),                            # a first look
    replace(FS, inodes=0, inodes_free=0),               # btrfs has no table of inodes
])
def test_one_mark_of_two_is_no_issue_and_what_is_not_known_neither(reading: Reading) -> None:
    assert not look(0, reading)


def test_a_kernel_that_loses_its_figures_ends_what_was_only_known_from_them() -> None:
    seen = opened("pressure-io", 300, replace(WELL, io_full=90))
    assert not of("pressure-io", look(301, BLIND, seen))


def test_in_a_container_nothing_of_the_host_is_an_issue() -> None:
    seen = opened("memory-low", 30, replace(WELL, available=1, memory_full=50))
    here = Snapshot(31, Machine(), loads=(), temperatures=())
    assert not detect(here, Settings(), seen)


def test_a_file_system_has_its_own_issue_and_knows_what_cleans_it() -> None:
    issue = of("inodes-full", opened("inodes-full", 60, replace(FS, inodes_free=0, frees=frozenset({"a/b"}))))
    assert issue
    assert (issue.subject, issue.value, issue.frees) == ("/", 100, frozenset({"a/b"}))


def test_a_sensor_is_named() -> None:
    issue = of("temperature-high", opened("temperature-high", 300, replace(SENSOR, celsius=97)))
    assert issue
    assert issue.detail == "coretemp Core 0 is 97 °C hot, critical is 100 °C"
    assert (issue.subject, issue.value, issue.threshold) == ("coretemp Core 0", 97, 95)


SHORT = replace(WELL, available=4, memory_full=40)
GREEDY = Holder("db.service", 0.61, system=True)


@pytest.mark.parametrize(("holder", "culprit", "words"), [
    (GREEDY, "db.service", "; db.service has 61% of what is used"),
    (replace(GREEDY, share=0.25), "", "; db.service has 25% of what is used"),
    (Holder("firefox.scope", 0.8, manager="user@1000.service"), "",
     "; firefox.scope of user@1000.service has 80% of what is used"),
    (None, "", "waits for it"),
])
def test_who_holds_most_is_named_and_blamed_if_it_may_be_limited(holder: Holder | None, culprit: str,
                                                                  words: str) -> None:
    issue = of("memory-low", opened("memory-low", 30, replace(SHORT, memory_holder=holder)))
    assert issue
    assert (issue.target, issue.subject) == (culprit, "machine")
    assert issue.detail.endswith(words)


@pytest.mark.parametrize("kind", ["pressure-cpu", "cpu-busy", "load-high"])
def test_processors_have_their_own_culprit(kind: str) -> None:
    load = replace(WELL, cpu=99, cpu_some=99, per_core=9, memory_holder=GREEDY,
                   cpu_holder=Holder("spin.service", 0.9, system=True))
    issue = of(kind, opened(kind, 600, load))
    assert issue
    assert issue.target == "spin.service"


def test_marks_are_the_users_and_a_low_one_still_clears() -> None:
    settings = Settings(thresholds=Thresholds(pressure_memory=3), rules=(Rule("now", "*", wait=0),))
    seen = look(0, replace(WELL, memory_full=4), None, settings)
    assert of("pressure-memory", seen)
    assert of("pressure-memory", look(1, replace(WELL, memory_full=0.1), seen, settings))
    assert not of("pressure-memory", look(1, WELL, seen, settings))
