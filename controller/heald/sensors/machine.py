"""What makes the whole machine want to be left alone, read from files: a switch of generations, a lack of memory."""

import os
from pathlib import Path

SWITCH_LOCK = Path("/run/nixos/switch-to-configuration.lock")
LOCKS, PRESSURE, MEMORY = Path("/proc/locks"), Path("/proc/pressure/memory"), Path("/proc/meminfo")


def switching() -> bool:
    """Whether somebody holds NixOS's lock for a switch. Found out without taking it, which would stop the next one."""
    try:
        lock = SWITCH_LOCK.stat()
        held = LOCKS.read_text("ascii", errors="replace")
    except OSError:
        return False
    where = f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}"      # as proc_locks(5) has it
    return any(where in line.split() and "->" not in line for line in held.splitlines())


def short_of_memory() -> bool:
    """Whether tasks wait for memory (full avg10 above 5 per cent), or less than a tenth is available."""
    try:
        full = PRESSURE.read_text("ascii").partition("full avg10=")[2].split()
        if full and float(full[0]) > 5:
            return True
    except OSError:
        pass                # a kernel without pressure stall information
    amounts = {line.split(":")[0]: int(line.split()[1]) for line in MEMORY.read_text("ascii").splitlines()}
    return amounts.get("MemAvailable", 0) * 10 < amounts["MemTotal"]
