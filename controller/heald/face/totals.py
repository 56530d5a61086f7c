"""What heald did since its history began, counted: read from the file once, then kept by what happens.

So a counter goes on where it was after a restart. Where the file is new, or was set aside, it begins at 0, which
Prometheus takes for a reset. What could not be written before a restart is not counted.
"""

import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from heald.history import DAMAGE
from heald.model import Incident

BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Seconds. A service that starts at once is healed in 18 ms; the helper says `running` after 20 s."""
ENDED = frozenset({"done", "unchanged", "Failed"})
"""Results of work that was seen to end: what it took is known."""

_ACTIONS = """\
SELECT operation, result, finished - started FROM actions JOIN incidents ON id = incident
WHERE result IS NOT NULL AND started >= opened"""       # what was before was done in another's incident
_INCIDENTS = "SELECT kind, outcome, count(*) FROM incidents WHERE closed IS NOT NULL GROUP BY kind, outcome"


class Totals:
    """Counts by (operation, result), by (kind, outcome) of incidents that are closed, and by bucket of seconds.

    `known` is the history's; `say` is told when what was before cannot be read.
    """

    def __init__(self, path: Path, known: Callable[[], Mapping[int, Incident]], say: Callable[[str], None]) -> None:
        self.repairs: Counter[tuple[str, str]] = Counter()
        self.incidents: Counter[tuple[str, str]] = Counter()
        self.took = [0] * (len(BUCKETS) + 1)        # the last: longer than all
        self.seconds = 0.0                          # all that was taken
        self._known, self._last = known, dict(known())
        try:
            with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as file:
                for operation, result, seconds in file.execute(_ACTIONS):
                    self._count(str(operation), str(result), float(seconds))
                self.incidents.update({(str(k), str(o)): int(n) for k, o, n in file.execute(_INCIDENTS)})
        except DAMAGE as error:
            say(f"metrics count from 0: {path} cannot be read: {error}")

    def seen(self, number: int) -> None:
        """This incident has changed: what is new of it counts."""
        known = self._known()
        after, before = known[number], self._last.get(number)
        old = set(before.attempts) if before else set()
        for attempt in after.attempts:
            if attempt.result and attempt.finished and attempt not in old and attempt.started >= after.opened:
                self._count(attempt.action.name, attempt.result.state, attempt.finished - attempt.started)
        if after.closed is not None and (before is None or before.closed is None):
            self.incidents[after.kind, after.outcome] += 1
        self._last = {n: i for n, i in self._last.items() if n in known} | {number: after}

    def _count(self, operation: str, result: str, seconds: float) -> None:
        self.repairs[operation, result] += 1
        if result in ENDED:
            self.took[bisect_left(BUCKETS, seconds)] += 1
            self.seconds += seconds
