"""Generations of NixOS: what root sees of them before a unit of ours works on them."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from .contract import RefusedError
from .limits import now

PROFILE = Path("/nix/var/nix/profiles/system")
MARKS = Path("/var/lib/heald-helper")
STORE = ("/nix/store",)
TOOLS = ("/run/current-system/sw/bin/nix-store", "/nix/var/nix/profiles/default/bin/nix-store", "/usr/bin/nix-store")
DAY = 86400.0
SAYS = {
    4: "the generation was switched to, and some of its units failed: see systemctl --failed",
    100: "the generation takes effect at the next boot, not before",
}
"""How a switch may end besides well and not at all."""


def has_store() -> bool:
    """Whether this machine has a Nix store."""
    return os.path.isdir(STORE[0]) and any(map(os.path.exists, TOOLS))


def has_profile() -> bool:
    """Whether its system is a generation."""
    return has_store() and PROFILE.is_symlink()


def current() -> str:
    """The number of the generation that is current; RefusedError Failed where the profile leads nowhere."""
    name = re.fullmatch(r"system-([0-9]+)-link", Path(os.readlink(PROFILE)).name, re.ASCII)
    if name is None or not PROFILE.exists():
        raise RefusedError("Failed", "the profile of the system leads to no generation: nothing is done with any")
    return name[1]


def check(between: str) -> None:
    """RefusedError where CURRENT is not current, or TARGET not there."""
    expected, target = between.split("-")
    if (is_ := current()) != expected:
        raise RefusedError("Failed", f"generation {is_} is current, not {expected}")
    if target == expected or not PROFILE.with_name(f"system-{target}-link").exists():
        raise RefusedError("InvalidArgs", f"generation {target} is current already, or not there")


def check_own(between: str, failed: list[str], *, allowed: bool) -> None:
    """RefusedError where the controller may not roll back by itself: only where root's file allows it, only to a
    generation that is known to be good, only where one of the units that are `failed` was changed by the current one,
    and only where nobody rolled back since the boot, nor in a day."""
    current_, target = between.split("-")
    if not allowed:
        raise RefusedError("AccessDenied", "a person's only: auto_rollback is not set in helper.toml")
    if target not in _read("known-good").split():
        raise RefusedError("AccessDenied", f"generation {target} is not known to be good")
    if all(_text(name, current_) == _text(name, target) for name in failed):
        raise RefusedError("Healthy", f"no unit that failed was changed by generation {current_}")
    bad = MARKS / "known-bad"       # a rollback writes there what it leaves
    wall = time.time()
    if bad.exists() and bad.stat().st_mtime > wall - max(DAY, now()):
        raise RefusedError("LimitsExceeded", "a generation was rolled back from since the boot, or in the last day")


def _text(name: str, generation: str) -> bytes:
    """A unit's own file, or its template's, as the generation has it; nothing where it has none."""
    stem, at, instance = name.partition("@")
    units = PROFILE.with_name(f"system-{generation}-link") / "etc/systemd/system"
    for file in (units / name, units / f"{stem}{at}.{instance.rpartition('.')[2]}"):
        with suppress(OSError):
            return file.read_bytes()
    return b""


def _read(name: str) -> str:
    with suppress(FileNotFoundError):
        return (MARKS / name).read_text("ascii")
    return ""
