"""`healctl rules test` and `replay`: which rule decides, and what today's rules would have made of the past."""

import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from heald import document, paths, quantities, resolver
from heald.document import Document
from heald.errors import Code, HealdError
from heald.incidents import NO_USE
from heald.model import Incident, Issue, Severity, Verdict
from heald.past import read
from heald.readings import Machine
from heald.settings import OBSERVE, Rule, Settings


def explain(settings: Settings, kind: str, subject: str, severity: Severity) -> Document:
    """Each rule in its order, and why it does not match such an issue, or that it does."""
    decides = settings.rule(kind, subject, severity)
    rows = []
    for rule in settings.rules:
        why = _mismatch(rule, kind, subject, severity) or ("decides" if rule is decides else "an earlier rule decides")
        rows.append({"name": rule.name, "source": rule.source, "decides": rule is decides, "why": why})
    mode = min(decides.mode, settings.mode)
    return {
        "version": 1, "kind": kind, "subject": subject, "severity": severity.label, "rules": rows,
        "rule": None if decides is OBSERVE else decides.name, "mode": mode.label,
        "ladder": document.rule(decides)["ladder"],
    }


def _mismatch(rule: Rule, kind: str, subject: str, severity: Severity) -> str:
    if not fnmatchcase(kind, rule.kind):
        return f"is for {rule.kind}"
    if not fnmatchcase(subject, rule.subject):
        return f"is for {rule.subject}"
    return f"is for {rule.severity.label} severity or worse" if severity < rule.severity else ""


def replay(settings: Settings, since: str) -> Document:
    """Today's rules over the daemon's incidents of the last `since`. HealdError where they may not be read."""
    try:
        begin = time.time() - quantities.seconds(since)
        past = read(paths.DAEMON_HISTORY, sys.maxsize, begin)
    except ValueError as error:
        raise HealdError(Code.INVALID_ARGS, str(error)) from None
    except FileNotFoundError:
        past = []
    except OSError as error:
        raise HealdError(Code.ACCESS_DENIED, f"{error}. Members of group _heald may read it") from None
    return {"version": 1, "incidents": len(past), "changes": list(differences(settings, past))}


def differences(settings: Settings, incidents: Iterable[Incident]) -> Iterator[Document]:
    """The incidents that today's rules would have been decided differently by; stamps as in `incidents`."""
    for incident in incidents:
        then, today = _then(incident), _today(settings, incident)
        if then != today and not _stood_back(incident) and (incident.outcome != "cleared" or today[0][:3] == "did"):
            yield {
                "id": str(incident.id), "kind": incident.kind, "subject": incident.subject,
                "severity": incident.severity.label, "opened": document.moment(incident.opened, 0.0), "then": then,
                "today": today, "rule": settings.rule(*incident.key, incident.severity).name,
            }


def _stood_back(incident: Incident) -> bool:
    """No rule overrides it. Its reason begins with a word and a colon, also after it became well by itself."""
    return incident.outcome == "stood-back" or re.search(r"; before: [a-z-]+: ", incident.reason) is not None


def _then(incident: Incident) -> list[str]:
    if incident.attempts:
        return [f"did {attempt.action}" for attempt in incident.attempts]
    if incident.outcome == "asked" and incident.next:
        return [f"asked before {incident.next[0]}"]
    return ["did nothing"]


def _today(settings: Settings, incident: Incident) -> list[str]:
    """The same decisions again, each at the time at which it was taken, by the code that takes them."""
    steps = []
    for count in range(max(1, len(incident.attempts))):
        made = incident.attempts[:count]
        at = incident.attempts[count].started if incident.attempts else incident.opened
        useless = frozenset(str(a.action) for a in made if a.result and a.result.state in NO_USE)
        issue = Issue(*incident.key, incident.severity, incident.opened, "", "", "", seen=at)
        past = replace(incident, attempts=made, outcome="open", next=None, skipped=useless)
        world = resolver.World(at, Machine(), settings, None, jitter=0.0)
        decision = resolver.decide(issue, past, world)
        if decision.verdict is not Verdict.ACT:
            if decision.verdict is Verdict.ASK:
                steps.append(f"asked before {decision.action}")
            elif not made or decision.verdict is Verdict.GIVE_UP:
                steps.append("did nothing" if not made else "gave up")
            else:
                steps.append("waited")
            break
        steps.append(f"did {decision.action}")
    return steps
