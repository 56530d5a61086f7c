"""LAYER 3: an Action becomes a Result, through whatever can heal: root's helper, or nobody at all (a dry run)."""

from typing import Protocol

from heald.model import OPERATIONS, WAIT, Action, Result


class Helper(Protocol):
    """Who carries an action out. An answer, also a refusal, is a Result; it never raises for one."""

    async def heal(self, action: Action, *, wait: int = WAIT) -> Result:
        """Do it, and say how it ended within `wait` seconds."""

    async def operations(self) -> frozenset[str]:
        """What can be done on this machine, as CATEGORY/OPERATION; HealdError when nobody answers."""


class DryRun:
    """A Helper that does nothing, and says so: `would`."""

    async def heal(self, action: Action, *, wait: int = WAIT) -> Result:  # noqa: ARG002 - as the protocol has it
        return Result("would")

    async def operations(self) -> frozenset[str]:
        return frozenset(f"{c}/{o}" for c, all_ in OPERATIONS.items() for o in all_)
