"""Which unit went down with which, in root's sense, and what is remembered of restarts."""

from dataclasses import replace

import pytest

from heald.bonds import DAY, FRESH, SHORT, Restarts, above, fallen_from, recall, taken
from heald.readings import Unit

CAUSE = Unit("db.service", active_exit=5_000_000, active_for=10, came_back=True, dependents=("a.service",))
FALLEN = Unit("a.service", active_state="inactive", sub_state="dead", active_exit=5_500_000, requires=("db.service",))


@pytest.mark.parametrize(("unit", "cause", "has_fallen"), [
    ({}, {}, True),
    ({"active_exit": 0}, {}, True),                     # it never ran since boot, and is wanted
    ({"active_exit": 0, "service_type": "oneshot"}, {}, False),     # it may have ended well: a job is not run twice
    ({"active_exit": 6_000_000}, {}, True),
    ({"active_exit": 6_000_001}, {}, False),            # by itself, or by a person
    ({"active_exit": 4_999_999}, {}, False),            # before its cause
    ({"wanted": False}, {}, False),
    ({"load_state": "masked"}, {}, False),
    ({"active_state": "failed"}, {}, False),            # that is another kind
    ({"active_state": "active"}, {}, False),
    ({"requires": ()}, {}, False),
    ({}, {"came_back": False}, False),                  # a person started it
])
def test_fallen(unit: dict[str, object], cause: dict[str, object], has_fallen: bool) -> None:
    one = replace(FALLEN, **unit)  # type: ignore[arg-type]
    other = replace(CAUSE, **cause)  # type: ignore[arg-type]
    assert bool(fallen_from(one, {u.name: u for u in (one, other)})) is has_fallen


@pytest.mark.parametrize(("cause", "was_taken"), [
    ({}, True),
    ({"came_back": False}, False),
    ({"came_back": False, "active_state": "failed"}, True),
    ({"came_back": False, "active_state": "activating", "sub_state": "auto-restart"}, True),
    ({"active_exit": 1}, False),
])
def test_taken_down_by_what_it_requires(cause: dict[str, object], was_taken: bool) -> None:
    assert taken(FALLEN, {"db.service": replace(CAUSE, **cause)}) is was_taken  # type: ignore[arg-type]


def test_above_goes_up_through_what_is_down_and_ends() -> None:
    a = Unit("a", active_state="failed", requires=("b", "x"))
    b = Unit("b", active_state="inactive", requires=("c", "a"))
    c = Unit("c", requires=("d",))
    units = {u.name: u for u in (a, b, c, Unit("d"))}
    assert {u.name for u in above(a, units)} == {"b", "c"}


def test_restarts_are_counted_from_the_first_look_on() -> None:
    unit = Unit("a.service", n_restarts=7, active_for=1)
    known, [seen] = recall({}, [unit], [], 1000)
    assert (seen.flaps, seen.came_back) == ((0, 0), True)
    known, [seen] = recall(known, [replace(unit, n_restarts=10)], [], 1100)
    assert seen.flaps == (3, 3)
    known, [seen] = recall(known, [replace(unit, n_restarts=2)], [], 1101 + SHORT)      # it was reset meanwhile
    assert seen.flaps == (2, 5)
    known, _ = recall(known, [], [], 1101 + SHORT + DAY)
    assert known == {}


def test_heald_s_own_starts_count_too() -> None:
    unit = Unit("a.service", active_for=1)
    _, [seen] = recall({}, [unit], [("a.service", 900.0), ("b.service", 950.0), ("a.service", 100.0)], 1000)
    assert (seen.flaps, seen.came_back) == ((1, 2), True)
    _, [seen] = recall({"a.service": Restarts(0)}, [replace(unit, active_for=FRESH)], [("a.service", 900.0)], 1000)
    assert not seen.came_back
