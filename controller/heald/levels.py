"""How [thresholds] is written in TOML: the kinds, their keys, and what each may be."""

from collections.abc import Callable

from heald import quantities
from heald.written import shown

Read = Callable[[object], float]


def size(value: object) -> int:
    """Bytes from a text such as "10GiB"; ValueError for all else."""
    if not isinstance(value, str):
        raise ValueError(f'must be a size such as "10GiB", not {value}')
    return quantities.size(value)


def number(most: float) -> Read:
    """A reader of numbers above 0 and up to `most`; ValueError for all else."""
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise ValueError(f"must be a number from 1 to {most:g}, not {shown(value)}")
        return float(value)
    return read


PERCENT, PER_CORE, CELSIUS = number(100), number(1000), number(100)

KEYS: dict[str, dict[str, tuple[str, Read]]] = {
    "disk-full": {"percent": ("disk_percent", PERCENT), "free": ("disk_free", size)},
    "inodes-full": {"percent": ("inodes", PERCENT)},
    "memory-low": {"available": ("memory_available", PERCENT), "full": ("memory_full", PERCENT)},
    "pressure-memory": {"full": ("pressure_memory", PERCENT)},
    "swap-full": {"percent": ("swap", PERCENT), "full": ("swap_full", PERCENT)},
    "pressure-io": {"full": ("pressure_io", PERCENT)},
    "pressure-cpu": {"some": ("pressure_cpu", PERCENT)},
    "cpu-busy": {"percent": ("cpu", PERCENT)},
    "load-high": {"per_core": ("load", PER_CORE)},
    "temperature-high": {"below": ("temperature", CELSIUS)},
}
"""By kind and key: the field of Thresholds, and what reads it. A bare number is the first key's value."""
