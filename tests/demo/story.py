"""What heald's history tells of one incident, and how the demo prints it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Incident = Mapping[str, Any]
"""One of `incidents` of `healctl history --json`."""


@dataclass(frozen=True)
class Outcome:
    """The end of one fault, as the JSON document says it. `seconds` from the fault to the proof that it is gone."""

    category: str
    issue: str
    operation: str
    healed: bool
    seconds: float | None


def seconds_since(began: datetime, stamp: str) -> float:
    """Seconds from `began` to an RFC 3339 stamp."""
    return round((datetime.fromisoformat(stamp) - began).total_seconds(), 3)


def told(incident: Incident, began: datetime) -> list[str]:
    """The incident as lines for a person: seen, decided, done, healed."""
    seen = f"{incident['kind']} {incident['subject']}, severity {incident['severity']}"
    lines = [f"seen     after {seconds_since(began, incident['opened'])} s: {seen}", f"decided  {incident['reason']}"]
    for action in incident["actions"]:
        target = f" {action['target']}" if action["target"] else ""
        took = seconds_since(datetime.fromisoformat(action["started"]), action["finished"] or action["started"])
        detail = f" ({action['detail']})" if action["detail"] else ""
        lines.append(f"did      {action['operation']}{target}: {action['result']} in {took} s{detail}")
    if incident["healed"]:
        lines.append(f"healed   {seconds_since(began, incident['healed'])} s after the fault")
    return lines
