"""The last day, from its incidents."""

from dataclasses import replace

from heald.day import DAY, attempts, steps
from heald.model import Action, Attempt, Category, Incident, Result, Severity

BEGIN, END = 1000.0, 1000.0 + DAY
START = Action(Category.SERVICE, "start", "a.service")


def incident(number: int, opened: float, **facts: object) -> Incident:
    one = Incident(number, "unit-failed", f"{number}.service", Severity.HIGH, opened)
    return replace(one, **facts)  # type: ignore[arg-type]


def said(*incidents: Incident) -> list[tuple[float, int, int]]:
    return [(step.at, step.health, step.issues) for step in steps(incidents, BEGIN, END)]


def test_a_day_without_incidents_is_one_step() -> None:
    assert said() == [(BEGIN, 100, 0)]


def test_health_falls_and_comes_back() -> None:
    bad = incident(2, 3000, severity=Severity.CRITICAL, kind="disk-full")
    assert said(incident(1, 2000, well=4000.0, closed=4600.0), bad) == [
        (BEGIN, 100, 0), (2000, 80, 1), (3000, 40, 2), (4000, 60, 1)]


def test_what_began_before_is_there_from_the_beginning_and_what_ended_before_is_not() -> None:
    assert said(incident(1, 10, well=2000.0), incident(2, 10, well=900.0, closed=1500.0)) == [
        (BEGIN, 80, 1), (2000, 100, 0)]


def test_one_that_ended_ill_is_over_when_it_was_closed() -> None:
    assert said(incident(1, 2000, closed=3000.0)) == [(BEGIN, 100, 0), (2000, 80, 1), (3000, 100, 0)]


def test_what_changes_together_is_one_step_and_more_than_two_of_a_kind_cost_no_more() -> None:
    found = [incident(number, 2000, well=2000.0 + 100 * (number == 1)) for number in range(5)]
    assert said(*found) == [(BEGIN, 100, 0), (2000, 80, 1), (2100, 100, 0)]
    assert said(*(incident(number, 2000) for number in range(5))) == [(BEGIN, 100, 0), (2000, 60, 5)]


def test_what_an_incident_took_along_is_counted_where_it_was_done() -> None:
    early, late = Attempt(START, 2000, 2001, Result("done")), Attempt(START, 3000, 3001, Result("Failed"))
    home = incident(1, 1500, attempts=(early,))
    assert attempts([home, incident(2, 2500, attempts=(early, late))], BEGIN) == [late, early]
    assert attempts([home], 2500.0) == []
