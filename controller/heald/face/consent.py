"""A Helper that asks the person at the keyboard before each repair, and lets one at a time through."""

import asyncio
import signal

import typer

from heald.errors import Code
from heald.executor import Helper
from heald.model import WAIT, Action, Result


class Consent:
    """`asks` False: the person said yes to all, or is not there to be asked."""

    def __init__(self, helper: Helper, *, asks: bool) -> None:
        self.left = False                   # the person went away: Ctrl-C or the end of input at a question
        self._helper, self._asks = helper, asks
        self._one = asyncio.Lock()          # two questions, or two password prompts, would mix on one terminal

    async def heal(self, action: Action, *, wait: int = WAIT) -> Result:
        """AccessDenied where the person said no."""
        async with self._one:
            if self._asks and not self._says_yes(f"Do {action}?"):
                return Result(Code.ACCESS_DENIED, "you said no")
            return await self._helper.heal(action, wait=wait)

    def _says_yes(self, question: str) -> bool:
        """Ctrl-C ends the question, not only the loop behind it."""
        if self.left:
            return False
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return typer.confirm(question, err=True)
        except typer.Abort:
            self.left = True
            return False
        finally:
            signal.signal(signal.SIGINT, before)

    async def operations(self) -> frozenset[str]:
        """The helper's own."""
        return await self._helper.operations()
