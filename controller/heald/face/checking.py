"""`healctl config check`: every mistake in a configuration, without a daemon, a bus or a privilege."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heald import config, mistakes
from heald.document import Document
from heald.mistakes import MistakeError


def check(path: Path, *, needed: bool) -> Document:
    """All that is wrong with the file and its folder of drop-ins.

    What is wrong is left out, and the rest looked at again. `needed`: that there is no such file is a mistake too.
    """
    found: dict[tuple[str, str], MistakeError] = {}
    left_out: list[MistakeError] = []
    while True:
        try:
            config.load(path, left_out)
            break
        except MistakeError as mistake:
            key = mistake.file, mistake.key
            found.setdefault(key, mistake)      # a rule without the kind that was wrong is wrong as a whole
            if sum((one.file, one.key) == key for one in left_out) > 1:
                break                           # to leave it out is no help
            left_out.append(mistake)
    if needed and not found and not os.path.exists(path):
        found[str(path), ""] = MistakeError(str(path), "", "there is no such file")
    files = _read(path)
    told = sorted((_told(mistake) for mistake in found.values()), key=lambda one: (
        files.index(one["file"]) if one["file"] in files else 0, one["line"] or 0))
    return {"version": 1, "files": files, "mistakes": told}


def _read(path: Path) -> list[str]:
    try:
        return [str(file) for file in config.files(path) if os.path.exists(file)]
    except MistakeError:
        return [str(path)]


def _told(mistake: MistakeError) -> Document:
    try:
        line = mistakes.line(Path(mistake.file).read_text("utf-8"), mistake)
    except (OSError, UnicodeDecodeError):
        line = None
    return {"file": mistake.file, "line": line, "key": mistake.key or None, "problem": mistake.problem}


def words(known: Mapping[str, Any]) -> str:
    """A line for each mistake, as compilers write it."""
    if not known["mistakes"]:
        return f"{', '.join(known['files']) or 'without a file the built-in values hold'}: as it should be"
    return "\n".join(": ".join(part for part in (
        one["file"] if one["line"] is None else f"{one['file']}:{one['line']}", one["key"], one["problem"]) if part)
        for one in known["mistakes"])
