"""`healctl why`: the whole story of one incident, as plain data. docs/json.md describes every key.

It is read from the daemon's history file by whom the file's mode lets. To others the daemon tells what it publishes to
everyone, in which there is no line of the journal.
"""

import re
from collections.abc import Mapping
from typing import Any

from heald import document, past, paths, stories
from heald.document import Document, moment
from heald.errors import Code, HealdError
from heald.face.advice import advice
from heald.face.known import published, run

NOT_SHOWN = "each decision, the journal and what was changed are for root and group _heald: sudo healctl why {}"
_RULE = re.compile(r'rule "(.*?)"')
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def why(number: str) -> Document:
    """The story of the incident `number`, or with "" of the newest that is open, else of the newest.

    HealdError(INVALID_ARGS) when there is no such incident.
    """
    if number and not _NUMBER.fullmatch(number):
        raise HealdError(Code.INVALID_ARGS, f'"{number}" is no number of an incident; `healctl history` shows them')
    try:
        if (found := of_file(number)) is not None:
            return found
    except FileNotFoundError:
        pass
    except OSError as error:
        try:
            return of_published(run(published()), number)
        except HealdError as why_not:
            if why_not.code is Code.INVALID_ARGS:
                raise
            raise HealdError(Code.ACCESS_DENIED, f"{error}; {NOT_SHOWN.format(number)}".rstrip()) from why_not
    raise _unknown(number)


def of_file(number: str) -> Document | None:
    """From the daemon's history; None where it has no such incident. OSError where it may not be read."""
    found = past.one(paths.DAEMON_HISTORY, int(number) if number else None)
    return None if found is None else told(document.incident(found, 0.0), stories.read(paths.DAEMON_HISTORY, found.id))


def told(incident: Document, story: stories.Story) -> Document:
    """The document, from the incident and what is kept of its story."""
    known: Document = {"version": 1, "incident": incident, "seen": None, "rule": None, "hidden": None}
    if story.seen is not None:
        since, value, threshold, detail = story.seen
        known["seen"] = {"since": moment(since, 0.0), "value": value, "threshold": threshold, "detail": detail}
    known["steps"] = [{"time": moment(at, 0.0), "event": event, "reason": reason}
                      for _, at, event, reason in story.steps]
    known["evidence"] = [{"time": moment(piece.taken, 0.0), "properties": dict(piece.properties),
                          "journal": list(piece.journal)} for piece in story.evidence]
    found = story.findings or stories.Findings()
    known["ended_by"] = found.killed or None
    known["changes"] = [{"time": moment(change.at, 0.0), "kind": change.kind, "what": change.what,
                         "detail": change.detail} for change in found.changes]
    known["changes_left_out"] = found.left_out
    return _advised(known)


def _advised(known: Document) -> Document:
    reasons = [known["incident"]["reason"], *(step["reason"] for step in reversed(known["steps"]))]
    known["rule"] = next((found[1] for reason in reasons if (found := _RULE.search(reason))), None)
    known["advice"] = advice(known)
    return known


def of_published(known: Mapping[str, Any], number: str) -> Document:
    """What everyone may know, from the daemon's properties. HealdError(INVALID_ARGS) when there is none."""
    rows = [document.whole_incident(one) for one in known["Incidents"] if number in {"", one["id"]}]
    if not rows:
        raise _unknown(number)
    ill = {issue.get("id"): issue for issue in known["Issues"]}
    one = max(rows, key=lambda row: (row["id"] in ill, row["closed"] is None, int(row["id"])))
    story = told(one, stories.Story())
    if (issue := ill.get(one["id"])) is not None:
        story["seen"] = {key: issue[key] for key in ("since", "value", "threshold", "detail")}
    return story | {"hidden": NOT_SHOWN.format(one["id"])}


def _unknown(number: str) -> HealdError:
    if not number:
        return HealdError(Code.INVALID_ARGS, "nothing has happened yet: there is no incident")
    return HealdError(Code.INVALID_ARGS, f"there is no incident {number}; `healctl history` shows which there are")
