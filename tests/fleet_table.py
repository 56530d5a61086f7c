"""Writes what `make fleet-bench` found into docs/fleet.md: `PYTHONPATH=tests python tests/fleet_table.py`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import generated

ROOT = Path(__file__).resolve().parents[1]
FOUND, FILE = ROOT / "docs/fleet/fleet.json", ROOT / "docs/fleet.md"

Rows = Iterator[tuple[str, ...]]


def begin(table: str) -> str:
    """The line after which a table stands."""
    return f"<!-- {table}, from tests/fleet_table.py -->\n"


def pushes(found: dict[str, Any]) -> Rows:
    for of in found["pushes"]:
        over = f"{of['lasts_s']} s" if of["lasts_s"] else "at once"
        told = f"{of['told_s']:.0f} s" if of["told_s"] is not None else "never"
        yield over, f"{of['settle_s']} s", f"{of['acted']:,} of {found['machines']:,}", told


def costs(found: dict[str, Any]) -> Rows:
    yield "series", f"{found['series']:,}"
    yield "memory of Prometheus", f"{found['prometheus_mib']} MiB"
    for name, what in (("rules_ms", "all rules, once"), ("question_ms", "one question of one machine")):
        of = found[name]
        yield what, f"{of['median']:.1f} ms, at most {of['max']:.0f} ms"
    yield "questions answered, and not", f"{found['questions']:,}, {found['questions_lost']:,}"


TABLES = {
    "pushes": (("pushed to all within", "settle", "acted before it closed", "somebody was told after"), pushes),
    "costs": (("what", "is"), costs),
}


def written(text: str, found: dict[str, Any]) -> str:
    """The document with its tables as they are now."""
    for name, (head, rows) in TABLES.items():
        text = generated.put(text, begin(name), head, rows(found))
    return text


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text(), json.loads(FOUND.read_text())))
