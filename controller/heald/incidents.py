"""What becomes of an incident as time goes by: opened, ill, well, relapsed, closed. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from heald.causes import Place
from heald.detector import Key
from heald.errors import Code
from heald.model import Action, Attempt, Incident, Issue, Result, Verdict
from heald.readings import Unit
from heald.settings import Limits

STAYS_WELL = 600.0
"""Seconds for which a subject must at least be well before its incident ends."""
SAYS_NO = frozenset({Code.PROTECTED, Code.ACCESS_DENIED, Code.INTERACTIVE, Code.INVALID_ARGS})
"""Answers after which root is not asked again for this incident."""

OUTCOMES = {Verdict.ASK: "asked", Verdict.OBSERVE: "observed", Verdict.STAND_BACK: "stood-back",
            Verdict.GIVE_UP: "gave-up", Verdict.REFUSED: "refused"}
"""What an incident comes to by a decision; by all others it is open."""

NO_USE = frozenset({Code.HEALTHY, Code.NOT_SUPPORTED})
"""Answers that say of a rung that it does not apply: it costs nothing."""


def repairs(incident: Incident) -> tuple[Attempt, ...]:
    """The attempts in which root did something, or may have; one that is still under way counts. Of its subject.

    To lift a limit is none: it takes a repair back.
    """
    return tuple(a for a in incident.attempts if not a.subject and is_repair(a))


def is_repair(attempt: Attempt) -> bool:
    """Root did something for it, or may have, and not to take a repair back."""
    return attempt.action.operation != "unlimit" and (attempt.result is None or attempt.result.begun)


def worked(known: Mapping[int, Incident], busy: Iterable[int], now: float) -> list[tuple[int, str, float]]:
    """(incident, subject, when) of each repair in it, for whomever, and of those that are `busy` now.

    What an incident took along from another's was that one's.
    """
    begun = [(i.id, i.subject, a.started) for i in known.values() for a in i.attempts
             if a.started >= i.opened and is_repair(a)]
    return begun + [(number, known[number].subject, now) for number in busy]


def part(home: Incident, issue: Issue) -> Incident:
    """The incident as far as it is about this issue: its own, or one of those that came of it."""
    if home.key == issue.key:
        return replace(home, attempts=tuple(a for a in home.attempts if not a.subject))
    mine = tuple(replace(a, subject="") for a in home.attempts if a.subject == issue.subject)
    no = bool(mine) and mine[-1].result is not None and mine[-1].result.state in SAYS_NO
    return replace(
        home, kind=issue.kind, subject=issue.subject, severity=issue.severity, opened=issue.since, attempts=mine,
        outcome="refused" if no else "open", issue=issue)


def follow(
    open_: Mapping[Key, Incident], found: Iterable[Issue], where: Mapping[Key, Place], now: float, limits: Limits
) -> tuple[list[Incident], list[Issue]]:
    """The incidents as this look leaves them (also those that it closed), and the issues that need one of their own.

    One to which other issues belong stays open for them.
    """
    issues = {issue.key: issue for issue in found}
    held = holding(where)
    after: list[Incident] = []
    new = [issue for key, issue in issues.items() if key not in open_ and where[key].home == key]
    for key, incident in open_.items():
        issue = issues.get(key)
        if issue is None:
            after.append(_well(incident, now, limits, held=key in held))
        elif _changed(incident, issue):
            after.append(replace(incident, closed=now, next=None, reason=f"{issue.subject} was changed"))
            new.append(issue)
        else:
            after.append(_ill(incident, issue))
    return after, new


def holding(where: Mapping[Key, Place]) -> set[Key]:
    """The issues in whose incidents others are worked on too."""
    return {place.home for key, place in where.items() if place.home != key}


def opened(issue: Issue, number: int, now: float, home: Incident | None = None) -> Incident:
    """A new incident of `number`; what was done about the issue in another's incident, `home`, is taken along."""
    files = issue.unit.files if issue.unit else 0.0
    done = part(home, issue).attempts if home else ()
    return Incident(
        number, *issue.key, issue.severity, now, attempts=done, ill=issue.seen, issue=issue, files=files)


def halted(incident: Incident, unit: Unit, before: Unit | None, *, job_done: bool, taken: bool) -> bool:
    """Whether a person is seen to have stopped the unit, and nobody to have started it since.

    A job that was done and left it failed, with the stamps it had `before`, was a stop. So is a clean end of what we
    started, unless systemd stopped it with what it requires.
    """
    if unit.active_state == "active":           # we start nothing that is halted
        return False
    same = before is not None and (unit.invocation, unit.inactive_enter) == (before.invocation, before.inactive_enter)
    if job_done and same and unit.active_state == "failed":
        return True
    ended = unit.active_state == "inactive" and unit.result == "success" and unit.service_type != "oneshot"
    done = repairs(incident)
    return incident.halted or (ended and not taken and bool(done) and done[-1].finished is not None)


def closes(incident: Incident, limits: Limits) -> float | None:
    """When it ends if its subject stays well: max(10 min, twice the last wait) after it became well.

    A unit that came back without us was started by somebody who knows better: what comes next is a new incident.
    """
    if incident.well is None:
        return None
    if incident.kind.startswith("unit-") and incident.healed != incident.well:
        return incident.well
    count = len(repairs(incident))
    last_wait = limits.pacing[min(count, len(limits.pacing)) - 1] if count else 0.0
    return incident.well + max(STAYS_WELL, 2 * last_wait)


def _changed(incident: Incident, issue: Issue) -> bool:
    """Its unit file or a drop-in was written since: pacing and ladder begin anew."""
    return (issue.unit is not None and incident.files > 0 and issue.unit.files > incident.files
            and not incident.halted)


def _ill(incident: Incident, issue: Issue) -> Incident:
    settled = issue.unit is None or issue.value == issue.threshold      # a unit on its way up is not yet ill again
    ill = issue.seen if settled else incident.ill
    severity = max(incident.severity, issue.severity)
    if issue.severity > incident.severity:      # what was of no use for less may be of use now
        incident = replace(incident, skipped=frozenset())
    if incident.well is None:
        return replace(incident, issue=issue, ill=ill, severity=severity)
    outcome = incident.outcome if incident.outcome == "gave-up" else "open"
    reason = "it fell ill again"
    return replace(incident, issue=issue, ill=ill, severity=severity, well=None, outcome=outcome, reason=reason)


def _well(incident: Incident, now: float, limits: Limits, *, held: bool) -> Incident:
    if incident.well is None:
        by_us = _mended_by_us(incident)
        outcome = "healed" if by_us else "cleared"
        if incident.outcome == "gave-up":       # stays so, also when a person mends it
            outcome = incident.outcome
        before = f"; before: {incident.reason}" if incident.outcome in {"observed", "asked", "stood-back"} else ""
        incident = replace(
            incident, well=now, outcome=outcome, healed=now if by_us else incident.healed, next=None,
            skipped=frozenset(), reason=incident.reason if by_us else f"it became well without heald{before}",
        )
    ends = closes(incident, limits)
    return replace(incident, closed=now) if ends is not None and now >= ends and not held else incident


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
    begun = replace(ended, finished=None, result=None)
    after = replace(incident, attempts=tuple(ended if a == begun else a for a in incident.attempts))
    if result.state in SAYS_NO and not ended.subject:
        return replace(after, outcome="refused", reason=f"{ended.action} was refused: {result.detail}")
    if result.state in NO_USE:
        return replace(after, skipped=after.skipped | {str(ended.action)})
    return after


def ended(incident: Incident, action: Action, success: bool, now: float) -> Incident:
    """The incident after the end of what root was still at work on when it answered, or when its answer was lost."""
    def end(attempt: Attempt) -> Attempt:
        state = attempt.result.state if attempt.result else None
        if attempt.action != action or state not in {None, "running", Code.TIMEOUT}:
            return attempt
        return replace(attempt, finished=now, result=Result("done" if success else Code.FAILED))
    return replace(incident, attempts=tuple(map(end, incident.attempts)))


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
