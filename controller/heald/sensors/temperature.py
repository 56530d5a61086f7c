"""The temperatures of the machine, of those sensors that know their own limit."""

from collections.abc import Iterator, Mapping, Sequence

import psutil

from ..readings import Temperature
from .container import in_container

_BELIEVABLE = (40.0, 150.0)     # degrees Celsius; boards report 0, 127.9 or 65261 where nothing is connected


def read() -> tuple[Temperature, ...]:
    """One for each sensor with a believable critical mark; none in a container, where they are the host's."""
    return () if in_container() else tuple(believable(psutil.sensors_temperatures()))


def believable(found: Mapping[str, Sequence[tuple[str, float, float | None, float | None]]]) -> Iterator[Temperature]:
    """From psutil's chip -> (label, current, high, critical); sensors of one name are numbered."""
    for chip, sensors in sorted(found.items()):
        names = [f"{chip} {label}".strip() for label, *_ in sensors]
        for at, (name, (_, current, _, critical)) in enumerate(zip(names, sensors, strict=True)):
            if critical is not None and _BELIEVABLE[0] <= critical <= _BELIEVABLE[1]:
                place = names[:at + 1].count(name)
                yield Temperature(name if place == 1 else f"{name} {place}", current, critical)
