"""What is said of an incident: one line, and the fields by which the journal finds all that was said of it. Pure."""

from heald.model import Action, Incident, Result, Severity, on_unit

WARNING, NOTICE, INFO = "4", "5", "6"       # syslog(3)


class Line(str):
    """A line like any other, to whoever reads it as one; `fields` are for the journal."""

    fields: tuple[tuple[str, str], ...] = ()


def line(words: str, *fields: tuple[str, str], priority: str = INFO) -> Line:
    """The words with these fields; those without a value are left out."""
    made = Line(words)
    made.fields = (("PRIORITY", priority), *(field for field in fields if field[1]))
    return made


def told(incident: Incident, words: str, action: Action | None = None) -> Line:
    """One line about an incident, and about what is done in it: `action`, else what is under way."""
    last = incident.attempts[-1] if incident.attempts else None
    if action is None and last is not None and last.finished is None:
        action = last.action
    unit = incident.subject if incident.kind.startswith(("unit-", "probe-")) else ""
    if action is not None and on_unit(action.category, action.operation):
        unit = action.target
    return line(
        f"incident {incident.id}: {words}", ("HEALD_INCIDENT", str(incident.id)), ("HEALD_KIND", incident.kind),
        ("HEALD_SUBJECT", incident.subject), ("HEALD_OUTCOME", incident.outcome),
        ("HEALD_OPERATION", action.name if action else ""), ("UNIT", unit), priority=_priority(incident))


def ended(action: Action, result: Result, took: str = "") -> str:
    """How something that was done has ended, in words."""
    how = f"{action}: {result.state}{took and f' after {took}'}"
    return f"{how}: {result.detail}" if result.detail else how


def _priority(incident: Incident) -> str:
    """What wants a person is a warning."""
    if incident.outcome in {"gave-up", "refused", "asked"} and incident.well is None:
        return WARNING
    return NOTICE if incident.severity >= Severity.HIGH else INFO
