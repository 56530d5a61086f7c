"""The same data in words, for a terminal. Every mark has its word: colour never carries meaning alone. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from heald import quantities
from heald.face.words import COLUMNS, harmless
from heald.face.words import moment as _moment
from heald.face.words import severity as _severity
from heald.face.words import time as _time
from heald.model import Severity

Document = Mapping[str, Any]


@harmless
def check(found: Document) -> str:
    """What one look found."""
    return "\n".join([_health(found["health"], found["issues"]), *_issues(found["issues"])])


@harmless
def healed(done: Document) -> str:
    """What one pass did, and what is left."""
    lines = [line for incident in done["incidents"] for line in _incident(incident, "healctl heal --yes")]
    left = done["issues"]
    lines.append(f"{_count(len(left), 'issue')} left:" if left else "nothing is wrong")
    return "\n".join([*lines, *_issues(left)])


@harmless
def status(known: Document) -> str:
    """What the daemon knows."""
    left = known["limits"].get("incidents_left", 0)
    head = f"{_health(known['health'], known['issues'])}; mode {known['mode']}"
    head += f", {_count(left, 'incident')} left this hour"
    lines = [line for incident in known["incidents"] for line in _incident(incident)]
    lines += [f"paused: {one['subject']} until {_time(one['until'])}" for one in known["paused"]]
    return "\n".join([head, *lines])


@harmless
def short(known: Document) -> str:
    """One line of at most 80 characters about what is wrong, the worst first; "" where it is of low severity at most
    and nothing is asked."""
    ranked = sorted(known["issues"], key=lambda issue: -Severity[issue["severity"].upper()])
    asked = sum(incident["outcome"] == "asked" for incident in known["incidents"])
    if not ranked or (ranked[0]["severity"] == "low" and not asked):
        return ""
    more = f", {len(ranked) - 1} more" if ranked[1:] else ""
    rest = f"{more}{f', {asked} asked' if asked else ''}: healctl status"
    head = f"heald: {ranked[0]['kind']} {ranked[0]['subject']}"
    return (head if len(head) + len(rest) <= COLUMNS else f"{head[:COLUMNS - 1 - len(rest)]}…") + rest


def paused(subject: str, known: Document) -> str:
    """What became of a pause."""
    [end] = [one["until"] for one in known["paused"] if one["subject"] == subject]
    return f"{subject} is paused until {_time(end)}; heald keeps its hands off it"


@harmless
def history(known: Document) -> str:
    """Incidents, as they come."""
    lines = [line for incident in known["incidents"] for line in _incident(incident)]
    return "\n".join(lines or ["nothing has happened yet"])


@harmless
def rules(known: Document) -> str:
    """The rules, one a block."""
    lines = []
    for number, rule in enumerate(known["rules"], 1):
        least = "" if rule["severity"] == "low" else f", {rule['severity']} or worse"
        wait = "" if rule["for"] is None else f", for {quantities.span(rule['for'])}"
        lines += [
            f"{number}. {rule['name']} ({rule['source']})",
            f"     if   {rule['kind']} {rule['subject']}{least}{wait}",
            f"     then {_then(rule)}",
        ]
    return "\n".join(lines)


def _then(rule: Document) -> str:
    return f"{rule['mode']}: {', then '.join(rule['ladder']) or 'no operation'}"


@harmless
def explained(found: Document) -> str:
    """Which rule decides, and why not the others."""
    lines = [f"{number}. {rule['name']} ({rule['source']}): {rule['why']}"
             for number, rule in enumerate(found["rules"], 1)]
    issue = f"{found['kind']} {found['subject']}, {found['severity']}"
    then = "no rule matches: it is observed" if found["rule"] is None else _then(found)
    return "\n".join([issue, *(f"  {line}" for line in lines), f"then {then}"])


@harmless
def replayed(found: Document) -> str:
    """What would have been decided differently."""
    lines = [f"{_count(found['incidents'], 'incident')}, {len(found['changes'])} would have been decided differently"]
    for one in found["changes"]:
        lines += [
            f"{one['id']}  {_severity(one['severity'])}  {one['kind']}  {one['subject']}, {_time(one['opened'])}",
            f"     then:  {', '.join(one['then'])}",
            f"     today: {', '.join(one['today'])} (rule \"{one['rule']}\")",
        ]
    return "\n".join(lines)


@harmless
def event(one: Document) -> str:
    """One event of `healctl watch`."""
    if one["id"] is None:
        return f"{_time(one['time'])}  heald {'has gone; waiting for it' if one['event'] == 'gone' else 'is there'}"
    head = f"{_time(one['time'])}  {one['id']}  {_severity(one['severity'])}  {one['kind']}  {one['subject']}"
    words = one["reason"]
    if "operation" in one:
        words = ": ".join(filter(None, (f"{one['operation']} {one['target']}".rstrip(), one["result"], one["detail"])))
    return f"{head}  {one['event']}{': ' if words else ''}{words}"


def _health(health: int, issues: list[Document]) -> str:
    return f"health {health}: {_count(len(issues), 'issue') if issues else 'nothing is wrong'}"


def _issues(issues: Iterable[Document]) -> Iterator[str]:
    for issue in issues:
        yield f"  {_severity(issue['severity'])}  {issue['kind']}  {issue['detail']}"


def _incident(incident: Document, yes: str = "") -> Iterator[str]:
    """`yes`: the command that answers a question, where the daemon has not asked it."""
    name = f"{incident['id']}  {_severity(incident['severity'])}  {incident['kind']}  {incident['subject']}"
    yield f"{name}  {incident['outcome']}, since {_time(incident['opened'])}"
    for action in incident["actions"]:
        took = ""
        if action["finished"]:
            seconds = (_moment(action["finished"]) - _moment(action["started"])).total_seconds()
            took = f" in {quantities.span(seconds)}"
        result = action["result"] or "not finished"
        detail = f": {action['detail']}" if action["detail"] else ""
        yield f"     {_time(action['started'])}  {action['operation']} {action['target']}  {result}{took}{detail}"
    if incident["reason"]:
        yield f"     {incident['reason']}"
    following = incident["next"]
    if following and incident["outcome"] == "asked":
        numbered = f"healctl heal {incident['id']} (until {_time(following['at'])})"
        yield f"     to have it done: {yes or numbered}"
    elif following:
        yield f"     next: {following['operation']} {following['target']} at {_time(following['at'])}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
