"""What an operation is made of: a row of the table, and the scene in which it looks and acts."""

import os
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from . import generations
from .limits import Ledger
from .settings import Settings
from .systemd import UNSET, Manager, Unit

ACTIVE = ("service", "socket", "timer", "path")
"""Types of unit that every service operation takes; a mount may only be started."""


class Target(Enum):
    """What the second argument of a method names."""

    UNIT = "a unit"
    NOTHING = '""'
    NAME = "a NAME of helper.toml's `run`"
    GENERATIONS = "options current and target"
    INCIDENT = "the number of an incident"


class Row(NamedTuple):
    """One operation."""

    target: Target
    sees: Callable[["Scene"], Awaitable[None]]
    does: Callable[["Scene"], Awaitable[str]]
    measures: tuple[str, ...] = ()                  # the folders whose used per cent is reported: the fullest one's
    action: str = ""                                # the polkit action; "" = org.heald.helper.CATEGORY
    types: tuple[str, ...] = ACTIVE
    here: Callable[[], bool] = lambda: True         # whether this machine can
    lifts: bool = False                             # takes back what root did: costs no budget
    says: Mapping[int, str] = MappingProxyType({})       # what an exit status of its unit means


class Scene:
    """What a row works with: systemd, root's file, root's ledger, and the unit that the call comes down to."""

    def __init__(self, manager: Manager, settings: Settings, ledger: Ledger, row: Row, unit: Unit,
                 *, name: str, own: bool) -> None:
        self.manager, self.settings, self.ledger, self.row, self.unit = manager, settings, ledger, row, unit
        self.name = name                        # the target as it was given, or CURRENT-TARGET
        self.own = own                          # asked for by the controller
        self.before = ""                        # measured just before systemd was asked
        self.also: tuple[Unit, ...] = ()        # failed units that a repair starts first
        self.left_out: tuple[str, ...] = ()     # those that it may not touch
        self.values: dict[str, int] = {}        # limits of the unit that it is about, as last read
        self.lower = 0                          # what the limit is to become

    def measure(self) -> str:
        """The unit's limits or ActiveState; a cleaner's used per cent as df counts; a generation's number, or ""."""
        if self.row.target is Target.UNIT:
            return ", ".join(map(shown, self.values.values())) or self.unit.state
        if self.row.target is Target.GENERATIONS:
            return generations.current()
        used = [percent for percent in map(used_percent, self.row.measures) if percent is not None]
        return f"{max(used):.0f}" if used else ""


def shown(value: int) -> str:
    """A limit as people read it."""
    return "infinity" if value == UNSET else str(value)


def used_percent(folder: str) -> float | None:
    """Used per cent of the folder's file system; None where there is none."""
    try:
        fs = os.statvfs(folder)
    except OSError:
        return None
    used, whole = fs.f_blocks - fs.f_bfree, fs.f_blocks - fs.f_bfree + fs.f_bavail
    return 100 * used / whole if whole else None
