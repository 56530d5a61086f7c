"""Long work shows life: a line with its time and its own last word, at a terminal; Ctrl-C leaves it running."""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from heald.bus.connection import Bus
from heald.bus.helper import HELPER, INTERFACE, PATH, HelperClient
from heald.bus.systemd import SYSTEMD, Manager, unit_path
from heald.errors import Code, HealdError
from heald.face.line import Line
from heald.model import WAIT, Action, Result, on_unit
from heald.quantities import span
from heald.sensors import journal

LOOK = 0.5              # seconds between two looks at what is under way
PATIENCE = 1.0          # seconds for which nothing is shown: most is done by then
AT_WORK = frozenset({"activating", "deactivating", "reloading"})


class Patient:
    """A Helper for a person: shows that work is under way, and where it `shows` waits for its end, however long.

    The line stands on standard error, and only while systemd is at work: before, polkit may ask there for a password.
    """

    def __init__(self, bus: Bus, *, shows: bool) -> None:
        self.left = False               # Ctrl-C: nothing more is begun
        self._bus, self._shows = bus, shows
        self._helper, self._manager = HelperClient(bus, interactive=True), Manager(bus)

    async def heal(self, action: Action, *, wait: int = WAIT) -> Result:
        """AccessDenied where the person has gone before it was begun, running where they went meanwhile."""
        if self.left:
            return Result(Code.ACCESS_DENIED, "you went away")
        end: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        unwatch = await self._finished(action, end)
        call = asyncio.create_task(self._to_the_end(action, wait, end), name=f"{action}")
        life = asyncio.create_task(self._tell(action), name=f"tells of {action}")
        try:
            with _interrupted() as gone:
                away = asyncio.create_task(gone.wait())
                await asyncio.wait({call, away}, return_when=asyncio.FIRST_COMPLETED)
                away.cancel()
                self.left = gone.is_set()
            return call.result() if call.done() else await self._goes_on(action)
        finally:
            call.cancel()
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life
            await unwatch()

    async def operations(self) -> frozenset[str]:
        """The helper's own."""
        return await self._helper.operations()

    async def watch(self, names: Iterable[str], seconds: float) -> None:
        """Time passes, in which it is seen whether what was repaired stays up."""
        with Line(shown=self._shows) as line:
            steps = max(1, round(seconds))
            for passed in range(steps):
                line.say(f"watching whether it stays up: {', '.join(names)}  {passed} of {span(seconds)}")
                await asyncio.sleep(seconds / steps)

    async def _finished(self, action: Action, end: "asyncio.Future[Result]") -> Any:
        """Tells how the action ended, also where its call was answered `running`. A helper that dies tells nothing."""
        def finished(body: list[Any]) -> None:
            category, operation, target, success, detail = body
            if (category, operation, target) == (action.category, action.operation, action.target) and not end.done():
                end.set_result(Result("done" if success else Code.FAILED, detail))

        def owned(owner: str) -> None:
            if not owner and not end.done():
                end.set_result(Result("running", "the helper has gone meanwhile"))

        self._bus.on_owner(HELPER, owned)
        return await self._bus.watch(HELPER, PATH, INTERFACE, "Finished", finished)

    async def _to_the_end(self, action: Action, wait: int, end: "Awaitable[Result]") -> Result:
        result = await self._helper.heal(action, wait=wait)
        return await end if result.state == "running" and self._shows else result

    async def _goes_on(self, action: Action) -> Result:
        """The person has gone: what systemd is at goes on."""
        if await self._at_work(unit := _unit(action)):
            print(f"{action} goes on without you; see: systemctl status {unit}", file=sys.stderr)
            return Result("running", f"left running: systemctl status {unit}")
        return Result(Code.ACCESS_DENIED, "you went away")

    async def _tell(self, action: Action) -> None:
        unit, began = _unit(action), 0.0
        with Line(shown=self._shows) as line:
            while self._shows:
                await asyncio.sleep(LOOK)
                state = await self._at_work(unit)
                began = (began or time.time()) if state else 0.0
                if state and time.time() - began >= PATIENCE:
                    word = await journal.newest_line(unit, began - LOOK) or await self._status(unit) or state
                    line.say(f"{action}  {span(round(time.time() - began))}  {word}")

    async def _at_work(self, unit: str) -> str:
        """The unit's state while systemd works on it, such as "activating (start-pre)"; else ""."""
        with suppress(HealdError):
            for row in (await self._manager.listed([unit])).values():
                if row.active_state in AT_WORK:
                    return f"{row.active_state} ({row.sub_state})"
        return ""

    async def _status(self, unit: str) -> str:
        """What the service says of itself (sd_notify), where the journal may not be read."""
        with suppress(HealdError):
            return str(await self._bus.property(SYSTEMD, unit_path(unit), f"{SYSTEMD}.Service", "StatusText"))
        return ""


def _unit(action: Action) -> str:
    """The unit that systemd is asked for: the target, or heald's own of the operation."""
    if on_unit(action.category, action.operation):
        return action.target
    return f"heald-{action.operation}-{action.target}.service" if action.target else f"heald-{action.operation}.service"


@contextmanager
def _interrupted() -> Iterator[asyncio.Event]:
    """While this lasts Ctrl-C sets the event and ends nothing."""
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    before = signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, gone.set)
    try:
        yield gone
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
