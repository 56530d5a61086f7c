"""Draws docs/pictures/demo.svg from what `make demo` prints, then and there: `PYTHONPATH=tests python
tests/demo_picture.py`."""

import io
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

FILE = Path(__file__).resolve().parents[1] / "docs/pictures/demo.svg"
WIDTH = 100
BOLD = re.compile(r"^\d\. .*|^\d of \d were healed.*")
WORDS = {"seen": "yellow", "decided": "cyan", "did": "magenta", "healed": "bold green"}
"""The colour of the word that each line of a story begins with."""


def svg(lines: Iterable[str]) -> str:
    """The lines as a terminal shows them."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor",
                      legacy_windows=False, _environ={})
    for line in lines:
        text = Text(line)
        text.highlight_regex(BOLD, "bold")
        for word, colour in WORDS.items():
            text.highlight_regex(rf"^   {word}\b", colour)
        console.print(text)
    drawn = re.sub(r"@font-face \{.*?\}\n", "", console.export_svg(title="make demo"), flags=re.DOTALL)
    drawn = drawn.replace("<text ", '<text xml:space="preserve" ')       # not all that draw it keep its spaces else
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def main() -> int:
    done = subprocess.run([sys.executable, "-m", "demo"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        FILE.write_text(svg(["$ make demo", *done.stdout.splitlines()]))
        print(f"docs/pictures/{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
