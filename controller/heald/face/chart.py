"""The last day as three lanes of SVG, one unit a minute: stretched to any width, while words stay beside it. Pure."""

from collections.abc import Iterable, Sequence

from heald.day import DAY, Step
from heald.model import Attempt

MINUTES = int(DAY / 60)
HEALTH, ISSUES, REPAIRS = 100, 40, 24      # the lanes' heights
STYLE = """\
.lane{display:block;width:100%;background:var(--lane);border-radius:3px}
.lane line{stroke:var(--grid);vector-effect:non-scaling-stroke}
.lane path{fill:none;stroke:var(--line);stroke-width:2;vector-effect:non-scaling-stroke}
.lane .below{fill:var(--fill);stroke:none}
.lane .issues{fill:var(--issues);stroke:none}
.lane .done{stroke:var(--done);stroke-width:3}.lane .not{stroke:var(--not);stroke-width:3}
"""


def health(steps: Sequence[Step], begin: float) -> str:
    """A line from 100 (above) to 0."""
    line = _stairs([(step.at, 100 - step.health) for step in steps], begin)
    return _lane(HEALTH + 4, f'<g transform="translate(0 2)">{_hours(HEALTH)}<path class="below" '
                             f'd="{line}V{HEALTH}H0Z"/><path d="{line}"/></g>')


def issues(steps: Sequence[Step], begin: float) -> str:
    """How many were open at once; the most of them fills the lane."""
    most = max(1, *(step.issues for step in steps))
    line = _stairs([(step.at, ISSUES * (1 - step.issues / most)) for step in steps], begin)
    return _lane(ISSUES, f'{_hours(ISSUES)}<path class="issues" d="{line}V{ISSUES}H0Z"/>')


def repairs(attempts: Iterable[Attempt], begin: float) -> str:
    """A mark for each repair: as high as the lane where it was done, half as high where not."""
    return _lane(REPAIRS, _hours(REPAIRS) + "".join(_mark(attempt, begin) for attempt in attempts))


def _mark(attempt: Attempt, begin: float) -> str:
    x = _x(attempt.started, begin)
    kind, top = ("done", 0) if is_done(attempt) else ("not", REPAIRS // 2)
    return f'<line class="{kind}" x1="{x}" x2="{x}" y1="{top}" y2="{REPAIRS}"/>'


def is_done(attempt: Attempt) -> bool:
    """Root did it, or is at it."""
    return attempt.result is None or attempt.result.state in {"done", "running", "unchanged"}


def _lane(height: int, shapes: str) -> str:
    """Said in words beside it, so hidden from who has a page read aloud."""
    return (f'<svg class="lane" viewBox="0 0 {MINUTES} {height}" height="{height}" preserveAspectRatio="none" '
            f'aria-hidden="true">{shapes}</svg>')


def _hours(height: int) -> str:
    """A line at each quarter of the day."""
    return "".join(f'<line x1="{x}" x2="{x}" y1="0" y2="{height}"/>' for x in range(360, MINUTES, 360))


def _stairs(corners: Iterable[tuple[float, float]], begin: float) -> str:
    (_, first), *rest = corners
    path = f"M0 {first:g}" + "".join(f"H{_x(at, begin)}V{y:g}" for at, y in rest)
    return f"{path}H{MINUTES}"


def _x(at: float, begin: float) -> float:
    return round(min(MINUTES, max(0.0, (at - begin) / 60)), 1)
