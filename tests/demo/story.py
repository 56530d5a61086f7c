"""What heald's history tells of one incident, and how the demo prints it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from machine.machine import Machine

Incident = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """The end of one fault, as the JSON document says it. `seconds` from the fault to the proof that it is gone."""

    category: str
    issue: str
    operation: str
    healed: bool
    seconds: float | None

    def as_json(self) -> dict[str, object]:
        return {"category": self.category, "issue": self.issue, "operation": self.operation, "healed": self.healed,
                "seconds": self.seconds}


def incidents(machine: Machine) -> list[Incident]:
    """All incidents that heald has recorded."""
    found: list[Incident] = json.loads(machine.run("healctl", "history", "--json").stdout)["incidents"]
    return found


def seconds_since(began: datetime, stamp: str) -> float:
    """Seconds from `began` to an RFC 3339 stamp."""
    return round((datetime.fromisoformat(stamp) - began).total_seconds(), 2)


def told(incident: Incident, began: datetime) -> list[str]:
    """The incident as lines for a person: seen, decided, done, healed."""
    after = seconds_since(began, incident["opened"])
    lines = [f"seen     {incident['kind']} {incident['subject']} ({incident['severity']}), after {after} s",
             f"decided  {incident['reason']}"]
    for action in incident["actions"]:
        target = f" {action['target']}" if action["target"] else ""
        took = seconds_since(datetime.fromisoformat(action["started"]), action["finished"] or action["started"])
        detail = f": {action['detail']}" if action["detail"] else ""
        lines.append(f"done     {action['operation']}{target}, {action['result']} in {took} s{detail}")
    if incident["healed"]:
        lines.append(f"healed   {seconds_since(began, incident['healed'])} s after the fault")
    return lines
