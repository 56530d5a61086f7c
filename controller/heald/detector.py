"""LAYER 1: what is wrong. Pure: a Snapshot, the thresholds and what was seen before give the issues of now.

kinds.py says of each subject how it is. What was ill stays ill between the levels; what was not does not begin there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from heald.kinds import TABLE, Finding
from heald.model import Incident, Issue, Severity
from heald.readings import Snapshot
from heald.settings import Settings

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the detector remembers of one subject that is, or may become, an issue."""

    issue: Issue
    due: float                  # from when on it counts
    open: bool


Memory = Mapping[Key, Seen]


def detect(snapshot: Snapshot, settings: Settings, memory: Memory, *, at_once: bool = False) -> dict[Key, Seen]:
    """What is to be remembered after this snapshot; the issues are those that are `open`, see issues().

    A part that was not read keeps what was known of it. `at_once`: one look, which waits for nothing.
    """
    after: dict[Key, Seen] = {}
    for kind, row in TABLE.items():
        read = snapshot.part(row.part)
        if read is None:
            after |= {key: seen for key, seen in memory.items() if key[0] == kind}
            continue
        for found in row.find(read, settings.thresholds):
            key = found.issue.key
            seen = _remember(found, memory.get(key), settings, snapshot.now, at_once)
            if seen is not None:
                after[key] = seen
    return after


def _remember(found: Finding, before: Seen | None, settings: Settings, now: float, at_once: bool) -> Seen | None:
    if found.ill is False or (found.ill is None and not (before and before.open)):
        return None
    issue = replace(found.issue, since=before.issue.since if before else now, seen=now)
    rule = settings.rule(issue.kind, issue.subject, issue.severity)
    due = issue.since + (found.wait if rule.wait is None else rule.wait)
    return Seen(issue, due, at_once or now >= due or bool(before and before.open))


def remembered(incident: Incident) -> Seen:
    """What was open when heald ended is open until a fresh look says otherwise."""
    i = incident
    return Seen(Issue(*i.key, i.severity, i.opened, "", "", i.reason, seen=i.ill), i.opened, open=True)


def issues(memory: Memory) -> tuple[Issue, ...]:
    """The open issues, the worst first, then the oldest."""
    found = [seen.issue for seen in memory.values() if seen.open]
    return tuple(sorted(found, key=lambda i: (-i.severity, i.since, i.key)))


def health(found: Iterable[Issue | Incident]) -> int:
    """100 less 40, 20, 8, 2 for each issue by severity, at most twice for one kind. For people; it forbids nothing."""
    cost = {Severity.CRITICAL: 40, Severity.HIGH: 20, Severity.MEDIUM: 8, Severity.LOW: 2}
    of_kind: dict[str, list[int]] = {}
    for issue in found:
        of_kind.setdefault(issue.kind, []).append(cost[issue.severity])
    return max(0, 100 - sum(sum(sorted(costs)[-2:]) for costs in of_kind.values()))
