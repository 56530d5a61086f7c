"""What heald did since its history began, counted: read from the file once, then kept by what happens.

So a counter goes on where it was after a restart. Where the file is new, or was set aside, it begins at 0, which
Prometheus takes for a reset. What could not be written before a restart is not counted.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from heald.model import Incident
from heald.past import reading
from heald.tally import Tally


class Totals(Tally):
    """Counts by (operation, result), by (kind, outcome) of incidents that are closed, and by bucket of seconds.

    `known` is the history's; `say` is told when what was before cannot be read.
    """

    def __init__(self, path: Path, known: Callable[[], Mapping[int, Incident]], say: Callable[[str], None]) -> None:
        super().__init__()
        self._known, self._last = known, dict(known())
        try:
            with reading(path) as file:
                self.add(file)
        except OSError as error:
            say(f"metrics count from 0: {error}")

    def seen(self, after: Incident) -> None:
        """This incident has changed: what is new of it counts."""
        known, before = self._known(), self._last.get(after.id)
        old = set(before.attempts) if before else set()
        for attempt in after.attempts:
            if attempt.result and attempt.finished and attempt not in old and attempt.started >= after.opened:
                self.count(attempt.action.name, attempt.result.state, attempt.finished - attempt.started)
        if after.closed is not None and (before is None or before.closed is None):
            self.incidents[after.kind, after.outcome] += 1
        self._last = {n: i for n, i in self._last.items() if n in known} | {after.id: after}
