"""Where the demo plays: a place with heald in it and three things to break. Faults are shown one after the other."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from demo.faults import Fault
from demo.story import Incident, Outcome, seconds_since, told

PATIENCE = 180              # seconds for one fault, on a host that may be very busy
CONFIGURATION = """\
[sense]
interval = "5s"             # so that nobody waits for what has no event; the default is 30 s
"""


@dataclass(frozen=True)
class Stage:
    """`incidents` reads what heald recorded."""

    faults: list[Fault]
    incidents: Callable[[], list[Incident]]


def play(stage: Stage) -> list[Outcome]:
    """Breaks, watches and tells, one fault after the other."""
    return [show(stage, fault, number) for number, fault in enumerate(stage.faults, 1)]


def show(stage: Stage, fault: Fault, number: int) -> Outcome:
    """One fault: made, watched until it is healed or patience ends, told."""
    say(f"\n{number}. {fault.category}: {fault.broken} ...")
    began = datetime.now(UTC)
    fault.make()
    incident = watch(stage, fault, began)
    issue = f"{fault.kind} {fault.subject}"
    if incident is None:
        say("   heald saw nothing")
        return Outcome(fault.category, issue, "", healed=False, seconds=None)
    for line in told(incident, began):
        say(f"   {line}")
    healed = incident["outcome"] == "healed" and fault.is_gone()
    if not healed:
        say(f"   NOT HEALED: the incident's outcome is {incident['outcome']}")
    operation = incident["actions"][-1]["operation"] if incident["actions"] else ""
    seconds = seconds_since(began, incident["healed"]) if incident["healed"] else None
    return Outcome(fault.category, issue, operation, healed, seconds)


def watch(stage: Stage, fault: Fault, began: datetime) -> Incident | None:
    """The fault's incident as soon as it is healed, or as it is when patience ends; None if there is none."""
    end = time.monotonic() + PATIENCE
    while True:
        mine = [incident for incident in stage.incidents()
                if (incident["kind"], incident["subject"]) == (fault.kind, fault.subject)
                and seconds_since(began, incident["opened"]) > -0.01]       # stamps are cut to the millisecond
        if (mine and mine[0]["outcome"] == "healed") or time.monotonic() > end:
            return mine[0] if mine else None
        time.sleep(0.2)


def say(line: str) -> None:
    """Progress while it works."""
    print(line, flush=True)
