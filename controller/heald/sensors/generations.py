"""Generations of NixOS: whether the current one changed a unit that fails, and which one to go back to."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..readings import Unit

PROFILE = Path("/nix/var/nix/profiles/system")
BOOTED = Path("/run/booted-system")
MARKS = Path("/var/lib/heald-helper")           # root's: known-good and known-bad, a generation's number a line
UNITS = "etc/systemd/system"
LINK = re.compile(r"system-([0-9]+)-link", re.ASCII)
"""What a profile calls each of its generations, with its number."""


def told(units: Iterable[Unit]) -> tuple[Unit, ...]:
    """The units, with `between` filled in of those that the current generation changed.

    A generation that is known to be good has broken nothing. A machine without generations has nothing to say.
    """
    found = tuple(units)
    here = _number(PROFILE) if found else None
    if here is None or here in _marks("known-good") or (back := target(here)) is None:
        return found
    return tuple(replace(unit, between=f"{here}-{back}" if changed(unit.name, here, back) else "") for unit in found)


def target(here: int) -> int | None:
    """The generation before `here` to go back to: the newest that is known to be good, or else the one that was booted,
    or else the newest; never one that was rolled back from. None where there is none."""
    bad = _marks("known-bad")
    before = [number for link in PROFILE.parent.glob("system-*-link")
              if (number := _number(link)) is not None and number < here and number not in bad and _of(number).exists()]
    good = _marks("known-good") & set(before)
    booted = [number for number in before if os.path.realpath(_of(number)) == os.path.realpath(BOOTED)]
    return max(good or booted or before, default=None)


def changed(name: str, here: int, back: int) -> bool:
    """Whether the files that make up a unit differ between two generations. They name programs by their path in the
    store, and with that by all that these are made of: another program is another text."""
    return _files(name, here) != _files(name, back)


def _files(name: str, number: int) -> dict[str, bytes]:
    """The unit's own file, its template's, and their drop-ins, as far as the generation has them."""
    stem, dot, kind = name.rpartition(".")
    names = {name, f"{stem.partition('@')[0]}@{dot}{kind}"} if "@" in stem else {name}
    folder, found = _of(number) / UNITS, {}
    for one in names:
        for path in (folder / one, *(folder / f"{one}.d").glob("*.conf")):
            with suppress(OSError):
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def _of(number: int) -> Path:
    return PROFILE.with_name(f"system-{number}-link")


def _number(link: Path) -> int | None:
    """Of the profile, or of one of its generations; None where there is none."""
    name = link.name
    if link == PROFILE:
        try:
            name = Path(os.readlink(PROFILE)).name
        except OSError:
            return None
    made_of = LINK.fullmatch(name)
    return int(made_of[1]) if made_of else None


def _marks(name: str) -> set[int]:
    with suppress(OSError, ValueError):
        return {int(line) for line in (MARKS / name).read_text("ascii").split()}
    return set()
