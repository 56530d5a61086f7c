"""Pressure triggers: the kernel wakes the engine when memory gets short. Edges only: what is wrong a reading decides.

Unprivileged processes may arm one from Linux 6.5 on, for windows of 2 s; an older kernel refuses, and the timer alone
wakes. One that fires for nothing (it may, just armed) costs one reading.
"""

import asyncio
import os
import select
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MEMORY = Path("/proc/pressure/memory")
SHORT = b"some 150000 2000000\0"        # 150 ms in 2 s; the NUL belongs to it (accounting/psi.rst of the kernel)


class Trigger:
    """One trigger, armed for as long as it is not closed. `armed` False: the kernel or a container does not let us."""

    def __init__(self, wake: Callable[[], None], file: Path = MEMORY) -> None:
        self._wake = wake
        self._epoll = select.epoll()        # the loop itself does not wait for EPOLLPRI, but for another epoll it does
        self._file = -1
        with suppress(OSError):
            self._file = os.open(file, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            os.write(self._file, SHORT)
            self._epoll.register(self._file, select.EPOLLPRI)
            asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._fired)
            return
        self.close()

    @property
    def armed(self) -> bool:
        """Whether the kernel watches."""
        return not self._epoll.closed

    def close(self) -> None:
        """The kernel forgets it with its descriptor."""
        if self._epoll.closed:
            return
        asyncio.get_running_loop().remove_reader(self._epoll.fileno())
        self._epoll.close()
        if self._file >= 0:
            os.close(self._file)

    def _fired(self) -> None:
        """At most once in its window. EPOLLERR: the kernel has taken it away."""
        events = self._epoll.poll(0)
        if any(event & select.EPOLLERR for _, event in events):
            self.close()
        self._wake()
