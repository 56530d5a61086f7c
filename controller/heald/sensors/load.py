"""What memory, processors and disks bear, and who is to blame: one reading of the whole machine.

Nothing of it in a container, where it is the host's.
"""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

from ..readings import Holder, Load
from . import holders
from .container import in_container

PRESSURE = Path("/proc/pressure")
BUSY = 50.0         # per cent of available memory, or of a processor's time: who has it is asked below, or above
RECENT = 10.0       # seconds for which a figure of the processors holds: that of a shorter time says nothing
SAMPLE = 0.25       # seconds between the first two looks at busy processors


class LoadSensor:
    """Reads the load; how the processors were used is reckoned from its reading before."""

    def __init__(self) -> None:
        self._times: tuple[float, float] | None = None          # as processors() had it
        self._used: Mapping[str, float] = {}
        self._said: tuple[float | None, Holder | None] = (None, None)

    async def read(self, limited: Iterable[str] = ()) -> tuple[Load, ...]:
        """One Load, or none in a container. The pressure of the units `limited` by heald itself does not count."""
        if in_container():
            return ()
        per_core = psutil.getloadavg()[0] / _cores()
        memory, io = pressure("memory", "full avg10"), pressure("io", "full avg10")
        some = pressure("cpu", "some avg60")
        if memory is not None:
            memory = max(0.0, memory - holders.memory_full_of(frozenset(limited)))
        available = 100.0 - psutil.virtual_memory().percent
        cpu, cpu_holder = await self._use(works=100 * per_core > BUSY or (some or 0.0) > BUSY)
        memory_holder = holders.most(holders.memory()) if available < BUSY or memory else None
        return (Load(available, psutil.swap_memory().percent, per_core, cpu, memory, io, some, memory_holder,
                     cpu_holder),)

    async def _use(self, *, works: bool) -> tuple[float | None, Holder | None]:
        """How busy the processors were since the reading before, and with whom; while that is recent, as it was."""
        now = processors()
        if self._times is None and works:
            self._times, self._used = now, holders.cpu()
            await asyncio.sleep(SAMPLE)
            now = processors()
        elif self._times is not None and now[1] - self._times[1] < RECENT:
            return self._said
        used = holders.cpu() if works else {}
        holder = holders.most(used, self._used) if self._used and used else None
        self._said = (busy(self._times, now) if self._times else None, holder)
        self._times, self._used = now, used
        return self._said


def pressure(resource: str, figure: str, folder: Path = PRESSURE) -> float | None:
    """A figure such as "full avg10", in per cent; None where the kernel has none, or was told to keep none."""
    kind, _, average = figure.partition(" ")
    try:
        lines = (folder / resource).read_text("ascii").splitlines()
    except OSError:
        return None
    return next((float(value) for line in lines if line.startswith(kind)
                 for name, _, value in (field.partition("=") for field in line.split()) if name == average), None)


def processors() -> tuple[float, float]:
    """Seconds that each processor was busy, on the average, and all its seconds, since the machine was started."""
    times = psutil.cpu_times()
    whole = sum(times) - times.guest - times.guest_nice         # guests' time is part of user and nice
    return (whole - times.idle - times.iowait) / _cores(), whole / _cores()


def _cores() -> int:
    return psutil.cpu_count() or 1


def busy(before: tuple[float, float], after: tuple[float, float]) -> float | None:
    """Per cent of the time between two readings; None when none has passed."""
    whole = after[1] - before[1]
    return 100.0 * (after[0] - before[0]) / whole if whole > 0 else None
