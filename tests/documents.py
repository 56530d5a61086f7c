"""README and docs as a reader meets them who does what they say: commands to type, files to write or to change.

A block in a fence is named by its language: `sh` is typed, line by line; `diff` is a change of the file that the line
before it ends with, in backquotes; any other after such a line is the whole file. `console` is typed elsewhere, and the
document says where; `text` is what is printed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^(?:[^\n]*`(?P<file>[\w/.@-]+)`[^`\n]*:\n\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
REST = "…"          # ends a change: what follows in its last line stays


@dataclass(frozen=True)
class Step:
    """One block. `file`: what it is, or changes; "" where the line before it names none."""

    language: str
    text: str
    file: str = ""

    @property
    def commands(self) -> list[str]:
        """What is typed: a line each, joined where it ends with a backslash; none of a script."""
        typed = self.language == "sh" and not self.text.startswith("#!")
        return self.text.replace("\\\n", " ").splitlines() if typed else []


def steps(text: str) -> Iterator[Step]:
    """The blocks of a document, or of a part of one, in their order."""
    for found in BLOCK.finditer(text):
        yield Step(found["language"], found["text"], found["file"] or "")


def parts(file: Path) -> dict[str, str]:
    """What stands below each heading of the second level."""
    _, *found = re.split(r"^## ", file.read_text(), flags=re.MULTILINE)
    return {heading: text for heading, _, text in (part.partition("\n") for part in found)}


def changed(text: str, change: str) -> str:
    """`text` after a change, as a diff without numbers has it; ValueError where its place is not there just once."""
    before, after = ("".join(f"{line[1:]}\n" for line in change.splitlines() if line[:1] in {mark, " ", ""})
                     for mark in ("-", "+"))
    if before.endswith(f"{REST}\n"):
        before, after = (side.removesuffix(f"{REST}\n") for side in (before, after))
    place = re.compile(f"^{re.escape(before)}", re.MULTILINE)
    if len(place.findall(text)) != 1:
        raise ValueError(f"{len(place.findall(text))} places are:\n{before}")
    return place.sub(lambda _: after, text)
