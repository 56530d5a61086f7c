"""A mistake in a file of TOML: what is told of it, on which line it stands, and the file without it. Pure."""

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from heald.errors import Code, HealdError
from heald.written import in_one_line

Path = tuple[str | int, ...]
"""The way to something in a document: keys, and places in an array from 0 on."""

_LINE = re.compile(r"\(at line ([0-9]+), column [0-9]+\)")
_PLACE = re.compile(r"\[([0-9]+)\]\.?")


class MistakeError(HealdError):
    """`file`, `key` such as rule[2].ladder ("" = the whole file), and what is wrong with it, in one line."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        self.file, self.key, self.problem = map(in_one_line, (file, key, problem))
        super().__init__(Code.CONFIG, ": ".join(part for part in (self.file, self.key, self.problem) if part))


def without(document: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The document with what is at these taken out, or what it is missing from; "" is all of it.

    In an array None stays in its place, so that all others keep theirs.
    """
    for key in keys:
        if not key:
            return {}
        *above, last = _way(document, key) or ("",)
        holder: Any = document
        for step in above:
            holder = holder[step]
        if isinstance(last, int):
            holder[last] = None
        else:
            holder.pop(last, None)
    return document


def line(text: str, mistake: MistakeError) -> int | None:
    """The line, from 1 on, on which it stands, or what it is missing from; None where it is nowhere in this file."""
    if told := _LINE.search(mistake.problem):
        return int(told[1])
    lines = text.split("\n")
    try:
        way = _way(tomllib.loads(text), mistake.key)
    except (ValueError, RecursionError):
        return None
    if not way:
        return None
    before, there = 0, len(lines)           # lines after which it is not there, and after which it is
    while there - before > 1:
        middle = (before + there) // 2
        is_there = _way(_parsed(lines, middle)[1], mistake.key)[:len(way)] == way
        before, there = (before, middle) if is_there else (middle, there)
    return _parsed(lines, before)[0] + 1    # its value may take several lines: the first


def _parsed(lines: list[str], number: int) -> tuple[int, dict[str, Any]]:
    """As many of the first `number` lines as make a whole document, and that."""
    for most in range(number, 0, -1):
        try:
            return most, tomllib.loads("\n".join(lines[:most]))
        except ValueError:
            continue
    return 0, {}


def _way(holder: Any, key: str) -> Path:
    """The way to a dotted key, as far as it leads. A key may itself have dots in it."""
    for name in sorted(holder, key=len, reverse=True) if isinstance(holder, dict) else ():
        shown = in_one_line(name)
        rest = key.removeprefix(shown)
        if key == shown:
            return (name,)
        if not key.startswith(shown):
            continue
        if rest.startswith("."):
            return (name, *_way(holder[name], rest[1:]))
        place = _PLACE.match(rest)
        if place and isinstance(holder[name], list) and 0 < int(place[1]) <= len(holder[name]):
            at = int(place[1]) - 1
            return (name, at, *_way(holder[name][at], rest[place.end():]))
    return ()
