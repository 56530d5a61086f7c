"""The story of one incident in words, for a terminal of 80 columns. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from heald import quantities
from heald.face.words import column, harmless, moment, severity, time

Document = Mapping[str, Any]


@harmless
def why(known: Document) -> str:
    """All that is known of it."""
    return "\n".join(line for part in _parts(known) for line in part)


def _parts(known: Document) -> Iterator[Iterable[str]]:
    incident = known["incident"]
    name = f"incident {incident['id']}: {incident['kind']} {incident['subject']}"
    yield [name, f"  {severity(incident['severity'], 0)}, {_state(incident)}", *_facts(known)]
    yield _titled("What happened", _happened(known))
    yield _titled("What was changed in the day before it began", _changed(known))
    for piece in known["evidence"][-1:]:
        yield _titled(f"The unit's journal, as it was at {time(piece['time'])}",
                      (column("", line) for line in piece["journal"]))
    if known["hidden"]:
        yield _titled("What is not shown here", [column("", known["hidden"])])
    yield _titled("What to do next", [
        line for one in known["advice"] for line in (column("", f"{one['why']}:"), f"      {one['command']}")
    ] or [column("", _nothing(incident))])


def _titled(title: str, lines: Iterable[str]) -> list[str]:
    """A part with its title, after an empty line; nothing where there are no lines."""
    found = list(lines)
    return ["", title, *found] if found else []


def _state(incident: Document) -> str:
    if incident["closed"] is not None:
        return f"{incident['outcome']}, closed {time(incident['closed'])}"
    return f"{incident['outcome']} since {time(incident['healed'])}" if incident["healed"] else incident["outcome"]


def _facts(known: Document) -> Iterator[str]:
    seen, incident = known["seen"], known["incident"]
    if seen is not None:
        yield column("what      ", seen["detail"])
        mark = "" if seen["threshold"] == seen["value"] else f"; the threshold is {_value(seen['threshold'])}"
        yield column("read      ", f"{_value(seen['value'])}{mark}")
        yield column("since     ", time(seen["since"]))
    if known["evidence"]:
        yield column("systemd   ", _properties(known["evidence"][-1]["properties"]))
    if known["ended_by"]:
        yield column("ended by  ", known["ended_by"])
    if known["rule"]:
        yield column("rule      ", known["rule"])
    if incident["reason"] and incident["outcome"] != "healed":
        yield column("now       ", incident["reason"])
    if (planned := incident["next"]) is not None:
        ask = incident["outcome"] == "asked"
        yield column("next      ", f"{planned['operation']} {planned['target']}".rstrip() + (
            f", if a person wants it, until {time(planned['at'])}" if ask else f" at {time(planned['at'])}"))


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _properties(found: Document) -> str:
    """Result first: it is systemd's own word for why."""
    return ", ".join(f"{key} {value}" for key, value in found.items() if value not in {"", 0} and key != "invocation")


def _happened(known: Document) -> Iterator[str]:
    """Decisions and actions by time; an action at its end."""
    lines = [(step["time"], f"{step['event']}: {step['reason']}".removesuffix(": ")) for step in known["steps"]]
    lines += [(action["finished"] or action["started"], _action(action)) for action in known["incident"]["actions"]]
    for at, words in sorted(lines, key=lambda line: moment(line[0])):
        yield column(f"{time(at)}  ", words)


def _action(action: Document) -> str:
    name, took = f"{action['operation']} {action['target']}".rstrip(), ""
    if action["finished"]:
        took = f" in {quantities.span((moment(action['finished']) - moment(action['started'])).total_seconds())}"
    return ": ".join(filter(None, (name, f"{action['result'] or 'not finished'}{took}", action["detail"])))


def _changed(known: Document) -> Iterator[str]:
    for change in known["changes"]:
        yield column(f"{time(change['time'])}  ", f"{change['kind']} {change['what']}: {change['detail']}")
    if known["changes_left_out"]:
        yield column("", f"and {known['changes_left_out']} more")


def _nothing(incident: Document) -> str:
    if incident["closed"] is not None or incident["outcome"] in {"healed", "cleared"}:
        return "nothing: it is well again"
    return "nothing: heald is at it, or it passes by itself"
