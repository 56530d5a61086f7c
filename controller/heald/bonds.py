"""How units hang together: which went down with which, and which lies still though its cause is up again. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from heald.readings import Unit

TOGETHER = 1_000_000        # microseconds within which two units went down together: root's own measure
FRESH = 300.0               # seconds for which a cause that came back explains what went down with it: root's too
SHORT, DAY = 600.0, 86400.0


def together(unit: Unit, cause: Unit) -> bool:
    """Whether `unit` went down with `cause`: not before it, and within a second."""
    return 0 <= unit.active_exit - cause.active_exit <= TOGETHER


def taken(unit: Unit, units: Mapping[str, Unit]) -> bool:
    """Whether its stop was systemd's, because what it requires went down by itself."""
    above = (units[name] for name in unit.requires if name in units)
    return bool(unit.active_exit) and any(
        together(unit, cause) for cause in above
        if cause.came_back or cause.active_state == "failed" or cause.sub_state == "auto-restart")


def fallen_from(unit: Unit, units: Mapping[str, Unit]) -> str:
    """The unit that it has fallen with and that is up again; "" where it has not fallen, in root's sense."""
    if unit.active_state != "inactive" or unit.load_state != "loaded" or not unit.wanted:
        return ""
    for name in unit.requires:
        cause = units.get(name)
        # One that was never up had to wait for it; but a job that ended well was never up either.
        if cause and cause.came_back and (
                together(unit, cause) if unit.active_exit else unit.service_type != "oneshot"):
            return name
    return ""


def above(unit: Unit, units: Mapping[str, Unit]) -> Iterator[Unit]:
    """Those of `units` that it requires, also by way of units that are down."""
    seen, ahead = {unit.name}, list(unit.requires)
    while ahead:
        name = ahead.pop()
        found = units.get(name)
        if name in seen or found is None:
            continue
        seen.add(name)
        yield found
        if found.active_state in {"failed", "inactive"}:
            ahead += found.requires


@dataclass(frozen=True, slots=True)
class Restarts:
    """What is remembered of one unit: NRestarts when it was last read, and when it was found to have grown."""

    count: int
    at: tuple[float, ...] = ()
    seen: float = float("-inf")     # when it was last found restarted, or about to be


def recall(
    before: Mapping[str, Restarts], units: Iterable[Unit], ours: Iterable[tuple[str, float]], now: float
) -> tuple[dict[str, Restarts], tuple[Unit, ...]]:
    """What is to be remembered, and the units with `flaps` and `came_back` filled in. `ours`: starts by heald.

    The first look at a unit counts nothing: when its restarts were is not known. A count that shrank was reset.
    """
    started: dict[str, list[float]] = {}
    for name, at in ours:
        started.setdefault(name, []).append(at)
    after = {name: known for name, known in before.items() if now - known.seen < DAY}
    found = []
    for unit in units:
        known = before.get(unit.name, Restarts(unit.n_restarts))
        grown = unit.n_restarts - known.count if unit.n_restarts >= known.count else unit.n_restarts
        systemd = (*known.at, *(now,) * grown)[-100:]
        news = grown or unit.sub_state == "auto-restart"
        after[unit.name] = Restarts(unit.n_restarts, systemd, now if news else known.seen)
        by_us = started.get(unit.name, [])
        each = [now - at for at in (*systemd, *by_us)]
        fresh = unit.active_state == "active" and unit.active_for < FRESH
        found.append(replace(
            unit, flaps=(sum(ago <= SHORT for ago in each), sum(ago <= DAY for ago in each)),
            came_back=fresh and (unit.n_restarts > 0 or any(now - at <= FRESH for at in by_us))))
    return after, tuple(found)
