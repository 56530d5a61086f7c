"""The clock that decisions are made by, and how it stands to the one that people read."""

import time
from pathlib import Path


def boottime() -> float:
    """CLOCK_BOOTTIME in seconds: it runs on in sleep, and no one sets it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def monotonic() -> float:
    """CLOCK_MONOTONIC in seconds: the clock of systemd's stamps."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def wall() -> float:
    """Seconds since the epoch, by the wall clock as it is set now."""
    return time.time()


def offset() -> float:
    """What to add to a boottime to have seconds since the epoch, by the wall clock as it is set now."""
    return time.time() - boottime()


def boot_id() -> str:
    """The kernel's name for this boot: boottimes of another one mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
