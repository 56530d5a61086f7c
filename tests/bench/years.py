"""A history of some days, and what it costs: `years.py fill FILE COUNT DAYS | times FILE ROUNDS`. `times` prints JSON.

Runs inside the machine. It is written by heald's own code, each incident with what heald keeps of one: systemd's
properties, twenty lines of the journal, decisions, changes.
"""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from bench.timing import timed
from heald import clock
from heald.face.totals import Totals
from heald.history import History
from heald.keeping import Keeping
from heald.model import Action, Attempt, Category, Incident, Issue, Result, Severity
from heald.retention import Retention
from heald.stories import Change, Findings
from unit.world import BEGIN, Story, World

DAY, HOUR = 86400.0, 3600.0
BATCH = 200                 # History keeps no more evidence than that before it is written


def fill(path: Path, count: int, days: float) -> None:
    """So many incidents, evenly spread over so many days until two hours ago."""
    history, now = History(path, sys.exit), clock.boottime()
    for first in range(0, count, BATCH):
        made = [_incident(history.new_id(), now - 2 * HOUR - days * DAY * (1 - nth / count), nth)
                for nth in range(first, min(first + BATCH, count))]
        for one in made:
            history.add_evidence(one.id, {"result": "exit-code", "exec_main_status": 1, "n_restarts": 0,
                                          "service_type": "simple", "invocation": f"{one.id:032x}"}, _journal(one))
            history.add_findings(one.id, Findings("itself: it ended with exit status 1", _changes(one), 3))
        history.save(replace(one, attempts=(), closed=None, well=None, healed=None, outcome="open") for one in made)
        history.save(replace(one, closed=None) for one in made)
        history.save(made)
    history.close()


def _incident(number: int, opened: float, nth: int) -> Incident:
    unit = f"service-{nth % 40}.service"
    start, answer = Action(Category.SERVICE, "start", unit), Result("done" if nth % 9 else "Failed", "failed -> active")
    attempts = tuple(Attempt(start, opened + n, opened + n + 0.03 * (1 + nth % 50), answer) for n in range(1 + nth % 3))
    issue = Issue("unit-failed", unit, Severity.HIGH, opened, "failed", "failed", f"{unit} is failed (exit-code)")
    return Incident(number, "unit-failed", unit, Severity.HIGH, opened, "healed" if nth % 7 else "gave-up",
                    f'rule "service": service/start {unit}', attempts=attempts, ill=opened, well=opened + 5,
                    healed=opened + 5, closed=opened + 605, issue=issue)


def _journal(one: Incident) -> list[str]:
    return [f"Nov 26 03:31:{second:02} service[{one.id}]: request {one.id}{second} took longer than it may: given up"
            for second in range(20)]


def _changes(one: Incident) -> tuple[Change, ...]:
    return tuple(Change(one.opened, "file", f"/etc/service/{n}.conf", "was written, or put in place") for n in range(4))


def times(path: Path, rounds: int) -> dict[str, float]:
    """Milliseconds of what the daemon does with its history, the median of so many."""
    found = {"the daemon opens it": timed(lambda: History(path, sys.exit).close(), rounds)}
    history, now = History(path, sys.exit), clock.boottime()
    found["the status page reads its day"] = timed(lambda: history.since(now - 86400, 2000), rounds)
    found["the metrics are counted at its start"] = timed(lambda: Totals(path, lambda: history.known, sys.exit), rounds)
    history.close()
    story = Story(path.parent, World(now=now))
    looks = timed(lambda: asyncio.run(story.engine.cycle()), rounds * 20)

    def fault() -> None:
        story.world.fail("a.service")
        story.run(story.world.now - BEGIN + 2000)
    found["a cycle with nothing wrong"], found["a fault, from open to closed"] = looks, timed(fault, rounds)
    story.history.close()
    history = History(path, sys.exit)
    found["a step of pruning"] = timed(Retention(history, lambda: Keeping(size=0), lambda: False).step, 1)
    return found


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill", path, count, days]:
            fill(Path(path), int(count), float(days))
        case ["times", path, rounds]:
            print(json.dumps(times(Path(path), int(rounds))))
        case _:
            sys.exit(__doc__)
