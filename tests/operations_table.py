"""Writes the table of docs/operations.md: `PYTHONPATH=helper python tests/operations_table.py`."""

import re
from collections.abc import Iterator
from pathlib import Path

import generated
from heald_helper.contract import METHODS, PATH, introspection
from heald_helper.operations import TABLE

FILE = Path(__file__).resolve().parents[1] / "docs/operations.md"
BEGIN = "<!-- from tests/operations_table.py -->\n"
HEAD = ("operation", "target", "polkit action", "what it is for, and what root sees first")
COMMENT = re.compile(r"<!--(?P<words>(?:(?!-->).)*)-->\s*<method name=\"(?P<method>\w+)\">", re.DOTALL)


def described() -> dict[tuple[str, str], str]:
    """(category, operation) -> what the contract says of it: the lines of the comment over its method that name it."""
    found: dict[tuple[str, str], str] = {}
    for comment in COMMENT.finditer(introspection(PATH) or ""):
        category, key = METHODS[comment["method"]], None
        for line in comment["words"].splitlines():
            first, _, rest = line.strip().partition(" ")
            if (category, first) in TABLE:
                key = (category, first)
                found[key] = rest.strip()
            elif key is not None:
                found[key] = f"{found[key]} {line.strip()}".rstrip()
    return found


def rows() -> Iterator[tuple[str, ...]]:
    """Operation, target, polkit action, what it does."""
    words = described()
    for (category, operation), row in TABLE.items():
        target = {"a unit": f"a unit ({', '.join(row.types)})", '""': "`\"\"`",
                  "the number of an incident": "digits",
                  "options current and target": "options current and target"}.get(row.target.value, "a NAME")
        yield (f"`{category}/{operation}`", target, f"`{row.action or f'org.heald.helper.{category}'}`",
               words[category, operation])


def written(text: str) -> str:
    """The document with the table as it is now."""
    return generated.put(text, BEGIN, HEAD, rows())


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text()))
