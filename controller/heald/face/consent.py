"""A Helper that asks the person at the keyboard before each repair, and lets one at a time through."""

import asyncio

import typer

from heald.errors import Code
from heald.executor import WAIT, Helper
from heald.model import Action, Result


class Consent:
    """`asks` False: the person said yes to all, or is not there to be asked."""

    def __init__(self, helper: Helper, *, asks: bool) -> None:
        self._helper, self._asks = helper, asks
        self._one = asyncio.Lock()          # two questions, or two password prompts, would mix on one terminal

    async def heal(self, action: Action, *, wait: int = WAIT) -> Result:
        """AccessDenied where the person said no."""
        async with self._one:
            if self._asks and not typer.confirm(f"Do {action}?", err=True):
                return Result(Code.ACCESS_DENIED, "you said no")
            return await self._helper.heal(action, wait=wait)

    async def operations(self) -> frozenset[str]:
        """The helper's own."""
        return await self._helper.operations()
