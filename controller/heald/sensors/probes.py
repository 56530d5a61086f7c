"""Asks what the probes ask, each by its own timer beside the loop, and counts: one that is slow holds up nobody."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from ..bus.systemd import Manager
from ..probes import IN_A_ROW, Probe
from ..readings import Answer

_LINE = 1024                    # bytes of an answer that are read at most


@dataclass(slots=True)
class _Count:
    failures: int | None = None     # in a row; None: not asked since its unit was started
    why: str = ""
    run: str | None = None          # the unit's InvocationID, as last seen


class Prober:
    """The probes and their counts. `wake` is called when a verdict changes; `say` once when one cannot be asked.

    From `use` on each is asked by its timer; before that, for one look, whenever it is read.
    """

    def __init__(self, probes: Iterable[Probe], wake: Callable[[], None], say: Callable[[str], None]) -> None:
        self._wake, self._say = wake, say
        self._counts = {probe: _Count() for probe in probes}
        self._tasks: dict[Probe, asyncio.Task[None]] = {}
        self._timers: dict[Probe, asyncio.TimerHandle] = {}

    def use(self, probes: Iterable[Probe]) -> None:
        """Ask these from now on, and no others; of those that stay the count is kept."""
        self.stop()
        self._counts = {probe: self._counts.get(probe, _Count()) for probe in probes}
        for probe in self._counts:
            self._begin(probe)

    def stop(self) -> None:
        """Ask no more."""
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks.values():
            task.cancel()
        self._timers.clear()
        self._tasks.clear()

    async def read(self, manager: Manager) -> tuple[Answer, ...]:
        """How often each has failed in its unit's present run; one whose unit is not there is left out."""
        units = {name: await manager.unit(name) for name in {probe.unit for probe in self._counts}}
        there = [(probe, count, unit) for probe, count in self._counts.items() if (unit := units[probe.unit])]
        for _, count, unit in there:
            if count.run not in {None, unit.invocation}:        # it was started since: what was before says nothing
                count.failures = None
            count.run = unit.invocation
        if not self._tasks:
            await asyncio.gather(*(self._until_sure(probe) for probe, _, _ in there))
        return tuple(Answer(unit, probe.address, count.failures, count.why) for probe, count, unit in there)

    async def _until_sure(self, probe: Probe) -> None:
        for _ in range(IN_A_ROW):
            await self._ask(probe)
            if not self._counts[probe].failures:
                return
            await asyncio.sleep(min(probe.every, probe.timeout))

    def _begin(self, probe: Probe) -> None:
        self._tasks[probe] = task = asyncio.create_task(self._ask(probe), name=f"probe of {probe.unit}")
        task.add_done_callback(partial(self._again, probe))

    def _again(self, probe: Probe, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(probe) is task and not task.cancelled():
            task.result()       # an error in there is a bug of ours, and the loop tells it
            self._timers[probe] = asyncio.get_running_loop().call_later(probe.every, self._begin, probe)

    async def _ask(self, probe: Probe) -> None:
        count = self._counts[probe]
        before = count.failures
        try:
            try:
                async with asyncio.timeout(probe.timeout):
                    why = await _ASK[probe.way](probe)
            except TimeoutError:
                _may_leave(probe)
                why = f"no answer in {probe.timeout:g} s"
        except PermissionError as error:        # our own sandbox or a mode: the unit may be as well as ever
            if count.why != str(error):
                self._say(f"{probe.address} of {probe.unit} cannot be asked: {error}")
            count.failures, count.why = None, str(error)
            return
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)    # asyncio has words of its own
        count.failures, count.why = (count.failures or 0) + 1 if why else 0, why
        if count.failures == IN_A_ROW or (before != 0 and not count.failures):
            self._wake()


def _may_leave(probe: Probe) -> None:
    """PermissionError where our own IPAddressDeny= is why there was no answer: the kernel drops a connection without a
    word, and refuses a datagram at once (tried on Linux 6.1). Port 9 is where one is discarded, RFC 863."""
    if probe.way != "unix":
        host, _ = probe.endpoint
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (host, 9))


async def _http(probe: Probe) -> str:
    """Why it is not well, or "": a status from 200 to 399 is. No redirect is followed."""
    parts = urlsplit(probe.address)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    reader, writer = await asyncio.open_connection(*probe.endpoint, limit=_LINE)
    try:
        head = (f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", "User-Agent: heald", "Connection: close")
        writer.write("".join(f"{line}\r\n" for line in (*head, "")).encode())
        line = await reader.readline()
    except ValueError:
        line = b""
    finally:
        writer.transport.abort()
    version, _, rest = line.partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        return "its answer is no HTTP"
    return "" if b"200" <= status <= b"399" else f"it answers with status {status.decode()}"


async def _tcp(probe: Probe) -> str:
    _, writer = await asyncio.open_connection(*probe.endpoint)
    writer.close()
    return ""


async def _unix(probe: Probe) -> str:
    _, writer = await asyncio.open_unix_connection(probe.address)
    # asyncio takes a full queue (EAGAIN) for a connection under way, and one that is not connected for connected.
    queued = writer.get_extra_info("peername") is not None
    writer.transport.abort()
    return "" if queued else "its queue is full"


_ASK = {"http": _http, "tcp": _tcp, "unix": _unix}
