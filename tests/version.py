"""Writes the version that pyproject.toml has into both packages: `python tests/version.py`, after it was changed there.

All else has it from there: nix/package.nix reads pyproject.toml; healctl, both services on the bus, and the metrics say
what their package does.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
FILES = (ROOT / "controller/heald/__init__.py", ROOT / "helper/heald_helper/__init__.py")


def written(text: str) -> str:
    """A package's first file, with the version as it is now."""
    return re.sub(r'^__version__ = ".*"$', f'__version__ = "{VERSION}"', text, flags=re.MULTILINE)


if __name__ == "__main__":
    for file in FILES:
        file.write_text(written(file.read_text()))
