"""What a history file comes to in numbers: incidents by how they ended, repairs by their answer and by what they took.

What was pruned still counts, in tables of its own: a counter of Prometheus that goes back is taken for one that began
anew, and all of it counted again.
"""

import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Seconds. A service that starts at once is healed in 18 ms; the helper says `running` after 20 s."""
ENDED = frozenset({"done", "unchanged", "Failed"})
"""Results of work that was seen to end: what it took is known."""
LONGER = 1e9                # stands for what is longer than all of BUCKETS

SCHEMA = """
CREATE TABLE IF NOT EXISTS pruned_actions (
    operation TEXT, result TEXT, bound REAL, number INTEGER, seconds REAL, PRIMARY KEY (operation, result, bound));
CREATE TABLE IF NOT EXISTS pruned_incidents (
    kind TEXT, outcome TEXT, number INTEGER, PRIMARY KEY (kind, outcome));
"""
_BOUND = f"CASE {' '.join(f'WHEN finished - started <= {bound} THEN {bound}' for bound in BUCKETS)} ELSE {LONGER} END"
_ACTIONS = f"""\
SELECT operation, result, {_BOUND} AS bound, count(*) AS number, sum(finished - started) AS seconds
FROM incidents JOIN actions ON id = incident
WHERE result IS NOT NULL AND started >= opened {{}} GROUP BY operation, result, bound"""     # noqa: S608 - our own words
# What was done before an incident opened was done in another's.
_INCIDENTS = """\
SELECT kind, outcome, count(*) AS number FROM incidents WHERE closed IS NOT NULL {} GROUP BY kind, outcome"""
_MORE = "ON CONFLICT DO UPDATE SET number = number + excluded.number"


@dataclass
class Tally:
    """By (operation, result), by (kind, outcome) of incidents that are closed, and by bucket of seconds."""

    repairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    incidents: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))     # the last: longer than all
    seconds: float = 0.0                            # all that was taken

    def count(self, operation: str, result: str, seconds: float, number: int = 1, each: float | None = None) -> None:
        """So many repairs that took `seconds` in all, and `each` no longer than this."""
        self.repairs[operation, result] += number
        if result in ENDED:
            self.took[bisect_left(BUCKETS, seconds if each is None else each)] += number
            self.seconds += seconds

    def add(self, file: sqlite3.Connection) -> None:
        """All that a file has, and had. What reading a damaged one raises."""
        for rows in (file.execute(_ACTIONS.format("")), file.execute("SELECT * FROM pruned_actions")):
            for operation, result, bound, number, seconds in rows:
                self.count(str(operation), str(result), float(seconds), int(number), float(bound))
        for rows in (file.execute(_INCIDENTS.format("")), file.execute("SELECT * FROM pruned_incidents")):
            for kind, outcome, number in rows:
                self.incidents[str(kind), str(outcome)] += int(number)


def keep(file: sqlite3.Connection, incidents: Iterable[int]) -> None:
    """Before these are pruned, within the same transaction."""
    these = f"AND id IN ({', '.join(map(str, incidents))})"
    file.execute(f"INSERT INTO pruned_actions {_ACTIONS.format(these)} "
                 f"{_MORE}, seconds = seconds + excluded.seconds")
    file.execute(f"INSERT INTO pruned_incidents {_INCIDENTS.format(these)} {_MORE}")
