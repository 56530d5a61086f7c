"""From where on something is wrong: the [thresholds] of the configuration, with their built-in values. Pure.

Each clears 5 points below (or above, where little is bad); what clears elsewhere says so beside its kind.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """In per cent, where nothing else is said. `full` and `some` are the kernel's pressure figures."""

    disk_percent: float = 90.0              # used, as df counts, and
    disk_free: int = 10 << 30               # less bytes than this are free
    inodes: float = 90.0                    # used
    memory_available: float = 10.0          # less of it is available, and
    memory_full: float = 5.0                # of the last 10 s, all that runs waited for memory
    pressure_memory: float = 20.0           # the same, however much is available
    swap: float = 90.0                      # used, and
    swap_full: float = 5.0                  # as memory_full
    pressure_io: float = 50.0               # of the last 10 s, all that runs waited for disks
    pressure_cpu: float = 80.0              # of the last minute, something waited for a processor
    cpu: float = 80.0                       # busy
    load: float = 4.0                       # runnable or waiting for a disk, for each processor
    temperature: float = 5.0                # degrees Celsius below the sensor's own critical mark
