"""What a program reads of heald: plain data that JSON and D-Bus carry alike. docs/json.md describes every key. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from heald.model import Action, Attempt, Incident, Issue
from heald.settings import Rule, Rung

Document = dict[str, Any]


def moment(stamp: float | None, offset: float) -> str | None:
    """RFC 3339 in UTC, to the millisecond; `offset` makes the stamp seconds since the epoch."""
    if stamp is None:
        return None
    return datetime.fromtimestamp(stamp + offset, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def issue(found: Issue, number: int | None, offset: float) -> Document:
    """One open issue; its id is that of its incident."""
    return {
        "id": str(number) if number is not None else None, "kind": found.kind, "subject": found.subject,
        "severity": found.severity.label, "since": moment(found.since, offset), "value": found.value,
        "threshold": found.threshold, "detail": found.detail,
    }


def incident(one: Incident, offset: float) -> Document:
    """One incident with all that was done about it."""
    return {
        "id": str(one.id), "kind": one.kind, "subject": one.subject, "severity": one.severity.label,
        "opened": moment(one.opened, offset), "healed": moment(one.healed, offset),
        "closed": moment(one.closed, offset),
        "outcome": one.outcome, "reason": one.reason,
        "next": _next(one.next, offset),
        "actions": [_attempt(attempt, offset) for attempt in one.attempts],
    }


def rule(one: Rule) -> Document:
    """One rule, as `healctl rules` shows it."""
    return {
        "name": one.name, "kind": one.kind, "subject": one.subject, "severity": one.severity.label, "for": one.wait,
        "mode": one.mode.label, "settle": one.settle,
        "ladder": [_rung(rung, one) for rung in one.ladder], "source": one.source,
    }


def _rung(rung: Rung, rule_: Rule) -> str:
    """Its operation and target, and its own mode where that is less than the rule's."""
    text = rung.name if rung.target is None else f"{rung.name} {rung.target}"
    return f"{text} ({rung.mode.label})" if rung.mode < rule_.mode else text


def whole_issue(known: Mapping[str, Any]) -> Document:
    """One that came over D-Bus, which has no null: what was left out is null again."""
    return {"id": None, **known}


def whole_incident(known: Mapping[str, Any]) -> Document:
    """The same for an incident and its actions."""
    actions = [{"finished": None, "result": None, **action} for action in known["actions"]]
    return {"healed": None, "closed": None, "next": None, **known, "actions": actions}


def _next(planned: tuple[Action, float] | None, offset: float) -> Document | None:
    if planned is None:
        return None
    action, at = planned
    return {"operation": action.name, "target": action.target, "at": moment(at, offset)}


def _attempt(attempt: Attempt, offset: float) -> Document:
    return {
        "operation": attempt.action.name, "target": attempt.action.target, "started": moment(attempt.started, offset),
        "finished": moment(attempt.finished, offset), "result": attempt.result.state if attempt.result else None,
        "detail": attempt.result.detail if attempt.result else "",
    }
