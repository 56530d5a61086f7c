"""Writes what `make bench-history` found into docs/performance.md: `PYTHONPATH=tests python tests/history_table.py`."""

import json
from collections.abc import Iterator
from pathlib import Path

import generated

ROOT = Path(__file__).resolve().parents[1]
FOUND, FILE = ROOT / "docs/bench/history.json", ROOT / "docs/performance.md"
BEGIN = "<!-- history, from tests/history_table.py -->\n"
HEAD = ("what", "with a day", "with a year", "ratio")


def rows(found: dict[str, dict[str, float]]) -> Iterator[tuple[str, ...]]:
    for what, day in found["day"].items():
        year = found["year"][what]
        yield f"`{what}`" if what.startswith("healctl") else what, f"{day:.2f}", f"{year:.2f}", f"{year / day:.1f}"


def written(text: str) -> str:
    """The document with the table as it was found last."""
    return generated.put(text, BEGIN, HEAD, rows(json.loads(FOUND.read_text())))


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text()))
