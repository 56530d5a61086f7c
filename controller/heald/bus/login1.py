"""logind's word on shutting down and sleeping. A machine without logind (a container) does neither."""

import time
from collections.abc import Callable

from ..errors import Code, HealdError
from .connection import Bus

_LOGIND, _PATH, _MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"


class Login:
    """Whether the machine is going down or to sleep, kept up to date from `start` on.

    `woke` is CLOCK_BOOTTIME in seconds of the latest end of a sleep, None before one was seen.
    """

    def __init__(self, bus: Bus, wake: Callable[[], None]) -> None:
        self._bus, self._wake = bus, wake
        self.shutting_down = False
        self.sleeping = False
        self.woke: float | None = None

    async def start(self) -> None:
        """Watches the signals, then reads the state. HealdError only where the bus itself is at fault."""
        await self._bus.watch(_LOGIND, _PATH, _MANAGER, "PrepareForShutdown", lambda body: self._shutdown(body[0]))
        await self._bus.watch(_LOGIND, _PATH, _MANAGER, "PrepareForSleep", lambda body: self._sleep(body[0]))
        self._bus.on_owner(_LOGIND, self._owner_changed)
        await self._read()

    async def packages(self) -> str:
        """Who of root's programs blocks a shutdown, as apt does while it works; "" = nobody, or there is no logind."""
        try:
            if not await self._bus.owner(_LOGIND):
                return ""
            [rows] = await self._bus.call(_LOGIND, _PATH, _MANAGER, "ListInhibitors")
        except HealdError as why:
            if why.code is Code.UNREACHABLE and self._bus.lost.is_set():
                raise
            return ""
        return ", ".join(who for what, who, _why, mode, uid, _pid in rows
                         if "shutdown" in what.split(":") and mode == "block" and uid == 0)

    async def _read(self) -> None:
        if not await self._bus.owner(_LOGIND):      # asked first: a read would start logind, or wait for it in vain
            return
        try:
            down = await self._bus.property(_LOGIND, _PATH, _MANAGER, "PreparingForShutdown")
            sleep = await self._bus.property(_LOGIND, _PATH, _MANAGER, "PreparingForSleep")
        except HealdError as why:
            if why.code is Code.UNREACHABLE and self._bus.lost.is_set():
                raise
            return                                  # it went or hangs: nothing is known to be under way
        self._shutdown(bool(down))
        self._sleep(bool(sleep))

    async def _read_again(self) -> None:
        try:
            await self._read()
        except HealdError:
            return                                  # the bus was lost: its event tells everyone

    def _owner_changed(self, owner: str) -> None:
        if owner:
            self._bus.spawn(self._read_again(), "logind was restarted")

    def _shutdown(self, active: bool) -> None:
        if active != self.shutting_down:
            self.shutting_down = active
            self._wake()

    def _sleep(self, active: bool) -> None:
        if active != self.sleeping:
            self.sleeping = active
            if not active:
                self.woke = time.clock_gettime(time.CLOCK_BOOTTIME)
            self._wake()
