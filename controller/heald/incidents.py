"""What becomes of an incident as time goes by: opened, ill, well, relapsed, closed. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from heald.detector import Key
from heald.errors import Code
from heald.model import Attempt, Incident, Issue, Result
from heald.settings import Limits

STAYS_WELL = 600.0
"""Seconds for which a subject must at least be well before its incident ends."""
SAYS_NO = frozenset({Code.PROTECTED, Code.ACCESS_DENIED, Code.INTERACTIVE, Code.INVALID_ARGS})
"""Answers after which root is not asked again for this incident."""

NO_USE = frozenset({Code.HEALTHY, Code.NOT_SUPPORTED})
"""Answers that say of a rung that it does not apply: it costs nothing."""


def repairs(incident: Incident) -> tuple[Attempt, ...]:
    """The attempts in which root did something, or may have; one that is still under way counts."""
    return tuple(a for a in incident.attempts if a.result is None or a.result.begun)


def follow(
    open_: Mapping[Key, Incident], found: Iterable[Issue], now: float, limits: Limits
) -> tuple[list[Incident], list[Issue]]:
    """The incidents as this look leaves them (also those that it closed), and the issues that need a new one."""
    issues = {issue.key: issue for issue in found}
    after: list[Incident] = []
    new = [issue for key, issue in issues.items() if key not in open_]
    for key, incident in open_.items():
        issue = issues.get(key)
        if issue is None:
            after.append(_well(incident, now, limits))
        elif _changed(incident, issue):
            after.append(replace(incident, closed=now, next=None, reason=f"{issue.subject} was changed"))
            new.append(issue)
        else:
            after.append(_ill(incident, issue))
    return after, new


def opened(issue: Issue, number: int, now: float) -> Incident:
    """A new incident of `number`."""
    files = issue.unit.files if issue.unit else 0.0
    return Incident(number, *issue.key, issue.severity, now, ill=issue.seen, issue=issue, files=files)


def closes(incident: Incident, limits: Limits) -> float | None:
    """When it ends if its subject stays well: max(10 min, twice the last wait) after it became well."""
    if incident.well is None:
        return None
    count = len(repairs(incident))
    last_wait = limits.pacing[min(count, len(limits.pacing)) - 1] if count else 0.0
    return incident.well + max(STAYS_WELL, 2 * last_wait)


def _changed(incident: Incident, issue: Issue) -> bool:
    """Its unit file or a drop-in was written since: pacing and ladder begin anew."""
    return issue.unit is not None and incident.files > 0 and issue.unit.files > incident.files


def _ill(incident: Incident, issue: Issue) -> Incident:
    settled = issue.unit is None or issue.value == issue.threshold      # a unit on its way up is not yet ill again
    ill = issue.seen if settled else incident.ill
    severity = max(incident.severity, issue.severity)
    if incident.well is None:
        return replace(incident, issue=issue, ill=ill, severity=severity)
    outcome = incident.outcome if incident.outcome == "gave-up" else "open"
    reason = "it fell ill again"
    return replace(incident, issue=issue, ill=ill, severity=severity, well=None, outcome=outcome, reason=reason)


def _well(incident: Incident, now: float, limits: Limits) -> Incident:
    if incident.well is not None:
        ends = closes(incident, limits)
        return replace(incident, closed=now) if ends is not None and now >= ends else incident
    by_us = _mended_by_us(incident)
    outcome = "healed" if by_us else "cleared"
    if incident.outcome == "gave-up":       # stays so, also when a person mends it
        outcome = incident.outcome
    before = f"; before: {incident.reason}" if incident.outcome in {"observed", "asked", "stood-back"} else ""
    # A unit that came back without us was started by somebody who knows better: what comes next is a new incident.
    closed = now if incident.kind.startswith("unit-") and not by_us else None
    return replace(
        incident, well=now, outcome=outcome, healed=now if by_us else incident.healed, closed=closed, next=None,
        skipped=frozenset(), reason=incident.reason if by_us else f"it became well without heald{before}",
    )


def _mended_by_us(incident: Incident) -> bool:
    """Our last repair was the last thing that happened: no fresh look saw the subject ill after it."""
    done = repairs(incident)
    if not done:
        return False
    last = done[-1]
    if last.finished is None or last.result is None or last.result.state == "running":
        return True
    return last.result.state != "would" and incident.ill <= last.finished


def answered(incident: Incident, ended: Attempt, result: Result) -> Incident:
    """The incident after the answer to one of its attempts."""
    attempts = tuple(ended if a.started == ended.started else a for a in incident.attempts)
    after = replace(incident, attempts=attempts)
    if result.state in SAYS_NO:
        return replace(after, outcome="refused", reason=f"{ended.action} was refused: {result.detail}")
    if result.state in NO_USE:
        return replace(after, skipped=after.skipped | {str(ended.action)})
    return after


def news(before: Incident | None, after: Incident) -> str:
    """One line for the journal when something happened that a person would want to know."""
    if before is None:
        return f"{after.issue.detail if after.issue else after.subject} ({after.kind}, {after.severity.label})"
    if after.closed is not None:
        return f"closed, {after.outcome}"
    if len(after.attempts) > len(before.attempts):
        return after.reason
    if before.well is None and after.well is not None:
        return f"{after.subject}: {'healed' if after.outcome == 'healed' else f'well again: {after.reason}'}"
    if before.well is not None and after.well is None:
        return f"{after.subject}: {after.reason}"
    return f"{after.subject}: {after.outcome}: {after.reason}" if before.outcome != after.outcome else ""
