"""Writes the table of docs/issues.md from the code's own: `PYTHONPATH=controller python tests/issues_table.py`."""

from collections.abc import Iterator
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

import generated
from heald.gauges import GAUGES
from heald.kinds import TABLE
from heald.quantities import amount, span
from heald.resolver import CLEANERS
from heald.settings import BUILT_IN, Rule, Rung
from heald.thresholds import Thresholds

FILE = Path(__file__).resolve().parents[1] / "docs/issues.md"
BEGIN = "<!-- from tests/issues_table.py -->\n"
HEAD = ("kind", "subject", "wrong when", "for", "severity", "what is done (mode)")


def rows() -> Iterator[tuple[str, ...]]:
    """Kind, subject, wrong when, for, severity, what is done: one or more for each kind."""
    marks = {**asdict(Thresholds()), "disk_free": amount(Thresholds().disk_free)}
    for kind, row in TABLE.items():
        gauges = [(g.of, g.when, span(g.wait), g.severity.label) for g in GAUGES if g.kind == kind]
        for of, when, wait, severity in gauges or [(row.of, row.when, row.wait, row.severity)]:
            yield f"`{kind}`", of, when.format_map(marks), wait, severity, "; else ".join(ladders(kind)) or "observe"


def ladders(kind: str) -> Iterator[str]:
    """What each built-in rule does about a kind, in words."""
    for rule in BUILT_IN:
        if fnmatchcase(kind, rule.kind):
            steps = ", then ".join(f"`{rung.name}`{of_its_own(rung, rule)}" for rung in rule.ladder)
            least = f" from {rule.severity.label} on" if rule.severity > 1 else ""
            yield f"{steps} ({rule.mode.label}{least})" if steps else "observe"


def of_its_own(rung: Rung, rule: Rule) -> str:
    """The rung's mode, where it is less than the rule's; a critically full disk lifts that of a cleaner."""
    if rung.mode >= rule.mode:
        return ""
    return f" ({rung.mode.label}{'; auto when critical' if rung.name in CLEANERS else ''})"


def written(text: str) -> str:
    """The document with the table as it is now."""
    return generated.put(text, BEGIN, HEAD, rows())


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text()))
