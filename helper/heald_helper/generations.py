"""Generations of NixOS: what root sees of them before a unit of ours works on them."""

import os
import re
import time
from contextlib import suppress

from .contract import RefusedError
from .limits import now

PROFILE = "/nix/var/nix/profiles/system"
MARKS = "/var/lib/heald-helper"
STORE = ("/nix/store",)
KNOWN = "/nix/var/nix/db"       # what nix knows of it
DAY = 86400.0
SAYS = {
    4: "the generation was switched to, and some of its units failed: see systemctl --failed",
    100: "the generation takes effect at the next boot, not before",
}
"""How a switch may end besides well and not at all."""


def has_store() -> bool:
    """Whether this machine has a Nix store."""
    return os.path.isdir(STORE[0]) and os.path.isdir(KNOWN)


def has_profile() -> bool:
    """Whether its system is a generation."""
    return has_store() and os.path.islink(PROFILE)


def current() -> str:
    """The number of the generation that is current; RefusedError Failed where the profile leads nowhere."""
    name = re.fullmatch(r"system-([0-9]+)-link", os.path.basename(os.readlink(PROFILE)), re.ASCII)
    if name is None or not os.path.exists(PROFILE):
        raise RefusedError("Failed", "the profile of the system leads to no generation: nothing is done with any")
    return name[1]


def check(between: str) -> None:
    """RefusedError where CURRENT is not current, or TARGET not there."""
    expected, target = between.split("-")
    if (is_ := current()) != expected:
        raise RefusedError("Failed", f"generation {is_} is current, not {expected}")
    if target == expected or not os.path.exists(f"{PROFILE}-{target}-link"):
        raise RefusedError("InvalidArgs", f"generation {target} is current already, or not there")


def check_own(between: str, failed: list[str], *, allowed: bool, since_boot: bool) -> None:
    """RefusedError where the controller may not roll back by itself: only where root's file allows it, only to a
    generation that is known to be good, only where one of the units that are `failed` was changed by the current one,
    and only where nobody rolled back `since_boot`, nor in a day: the clock of the day may be set, the ledger not."""
    current_, target = between.split("-")
    if not allowed:
        raise RefusedError("AccessDenied", "a person's only: auto_rollback is not set in helper.toml")
    if target not in _read("known-good").split():
        raise RefusedError("AccessDenied", f"generation {target} is not known to be good")
    if all(_text(name, current_) == _text(name, target) for name in failed):
        raise RefusedError("Healthy", f"no unit that failed was changed by generation {current_}")
    if since_boot or _rolled_back() > time.time() - max(DAY, now()):
        raise RefusedError("LimitsExceeded", "a generation was rolled back from since the boot, or in the last day")


def _rolled_back() -> float:
    """When a generation was last rolled back from: it is marked then. Seconds since the epoch, 0 = never."""
    with suppress(FileNotFoundError):
        return os.stat(f"{MARKS}/known-bad").st_mtime
    return 0.0


def _text(name: str, generation: str) -> bytes:
    """A unit's own file, or its template's, as the generation has it; nothing where it has none."""
    stem, at, instance = name.partition("@")
    for name_ in (name, f"{stem}{at}.{instance.rpartition('.')[2]}"):
        with suppress(OSError), open(f"{PROFILE}-{generation}-link/etc/systemd/system/{name_}", "rb") as file:
            return file.read()
    return b""


def _read(name: str) -> str:
    with suppress(FileNotFoundError), open(f"{MARKS}/{name}", encoding="ascii") as file:
        return file.read()
    return ""
