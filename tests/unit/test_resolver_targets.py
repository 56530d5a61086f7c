"""Whom a rung goes to, and which rungs do not apply: units, culprits, file systems."""

from dataclasses import replace

import pytest

from heald.model import Category, Incident, Issue, Mode, Severity, Verdict
from heald.readings import Machine, Unit
from heald.resolver import World, applicable, decide
from heald.settings import Rule, Rung, Settings

LIMIT = Rung(Category.RESOURCE, "limit-memory")
VACUUM, CLEAN = Rung(Category.RESOURCE, "vacuum-journal"), Rung(Category.RESOURCE, "clean-temporary")
RESTART = Rung(Category.SERVICE, "restart")
SHORT = Issue("memory-low", "machine", Severity.HIGH, 0, 4, 10, "", culprit="db.service")
FULL = Issue("disk-full", "/", Severity.HIGH, 0, 95, 90, "")
FAILED = Issue("unit-failed", "a.service", Severity.HIGH, 0, "failed", "failed", "",
               unit=Unit("a.service", active_state="failed"))


def rungs(issue: Issue, *ladder: Rung) -> list[str]:
    return [str(action) for action in applicable(Rule("x", "*", ladder=ladder), issue, frozenset(), None)]


@pytest.mark.parametrize(("issue", "ladder", "actions"), [
    (SHORT, (LIMIT, RESTART), ["resource/limit-memory db.service", "service/restart db.service"]),
    (SHORT, (VACUUM,), ["resource/vacuum-journal"]),
    (replace(SHORT, culprit=""), (LIMIT, RESTART, VACUUM), ["resource/vacuum-journal"]),
    (FAILED, (RESTART, LIMIT), ["service/restart a.service", "resource/limit-memory a.service"]),
    (replace(FAILED, kind="probe-failed"), (RESTART,), ["service/restart a.service"]),
    (FULL, (RESTART, VACUUM), ["resource/vacuum-journal"]),
    (replace(SHORT, culprit=""), (replace(RESTART, target="web.service"),), ["service/restart web.service"]),
    (replace(FULL, frees=frozenset({"resource/clean-temporary"})), (VACUUM, CLEAN), ["resource/clean-temporary"]),
    (replace(FULL, frees=frozenset()), (VACUUM, CLEAN), []),
    (replace(FULL, frees=None), (VACUUM, CLEAN), ["resource/vacuum-journal", "resource/clean-temporary"]),
])
def test_a_rung_goes_to_the_unit_or_the_culprit_and_is_left_out_where_there_is_none(
        issue: Issue, ladder: tuple[Rung, ...], actions: list[str]) -> None:
    assert rungs(issue, *ladder) == actions


def decided(issue: Issue, *ladder: Rung, mode: Mode = Mode.ASK) -> tuple[Verdict, str, str]:
    world = World(100, Machine(), Settings(rules=(Rule("x", "*", mode=mode, ladder=ladder),)), None)
    decision = decide(issue, Incident(1, *issue.key, issue.severity, 100), world)
    return decision.verdict, str(decision.action or ""), decision.reason


def test_a_culprit_is_asked_about_and_without_one_it_is_only_watched() -> None:
    assert decided(SHORT, LIMIT) == (Verdict.ASK, "resource/limit-memory db.service",
                                     'rule "x" asks before resource/limit-memory db.service')
    assert decided(replace(SHORT, culprit=""), LIMIT) == (
        Verdict.OBSERVE, "", 'rule "x" has nothing to act on here: it only observes')


def test_a_file_system_on_which_no_cleaner_frees_is_given_up_at_once() -> None:
    verdict, action, reason = decided(replace(FULL, frees=frozenset()), VACUUM, CLEAN, mode=Mode.AUTO)
    assert (verdict, action) == (Verdict.GIVE_UP, "")
    assert "no rung" in reason
