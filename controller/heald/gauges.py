"""The kinds of issue that are a number past its mark: a row of GAUGES each, which kinds.py makes findings of. Pure.

Wrong past every mark of its row; well again as soon as one of them is far enough back; between, what it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heald.model import Severity
from heald.readings import FileSystem, Load, Part, Temperature
from heald.thresholds import Thresholds

MACHINE = "machine"         # the subject of what concerns all of it
MUCH = 0.25                 # of all memory or time in use: a unit that has more may be limited for it


@dataclass(frozen=True, slots=True)
class Level:
    """A number against its mark. `value` None: it is not known, and nothing is said."""

    value: float | None
    mark: float
    back: float = 5.0           # how far behind the mark it must be to be well
    low: bool = False           # wrong below the mark, not above it

    def past(self, slack: float = 0.0) -> bool:
        """Whether it is past the mark, or was moved `slack` towards it; a mark above 0 is never moved below it."""
        if self.value is None:
            return False
        return self.value < self.mark + slack if self.low else self.value > max(0.0, self.mark - slack)


@dataclass(frozen=True, slots=True)
class Gauge:
    """One row. `when` is filled in from the thresholds, `detail` from the reading `r`."""

    kind: str
    part: Part
    severity: Severity
    wait: float                 # seconds that it must be wrong before it counts
    when: str
    detail: str
    levels: Callable[[Any, Thresholds], tuple[Level, ...]]
    holder: str = ""            # the field of the reading that names the unit to blame
    of: str = "the machine"     # what its subjects are, for people


def state(levels: tuple[Level, ...]) -> bool | None:
    """Ill, well, or between. Nearly always well, which one level is enough to tell."""
    for level in levels:
        if not level.past(level.back):
            return False
    return True if all(level.past() for level in levels) else None


def subject(reading: Load | FileSystem | Temperature) -> str:
    """What a reading is of."""
    match reading:
        case FileSystem():
            return reading.mount
        case Temperature():
            return reading.sensor
    return MACHINE


def culprit(reading: object, gauge: Gauge) -> tuple[str, str]:
    """The unit to blame if it may be acted on, else ""; and what to say of whoever it is."""
    holder = getattr(reading, gauge.holder) if gauge.holder else None
    if holder is None:
        return "", ""
    said = f"; {holder.unit} {f'of {holder.manager} ' if holder.manager else ''}has {holder.share:.0%} of what is used"
    return holder.unit if holder.system and holder.share > MUCH else "", said


GAUGES = (
    Gauge("inodes-full", Part.STORAGE, Severity.HIGH, 60, "over {inodes:g} % of the inodes used; clears at 80 %",
          "{r.mount} has used {r.inodes_percent:.0f} % of its inodes",
          lambda fs, mark: (Level(fs.inodes_percent, mark.inodes, back=10),), of="a backing device"),
    Gauge("memory-low", Part.LOAD, Severity.HIGH, 30,
          "under {memory_available:g} % available, and memory full avg10 above {memory_full:g}",
          "{r.available:.0f} % of memory is available, {r.memory_full:.0f} % of the time all that runs waits for it",
          lambda load, mark: (Level(load.available, mark.memory_available, low=True),
                              Level(load.memory_full, mark.memory_full)), "memory_holder"),
    Gauge("memory-low", Part.LOAD, Severity.HIGH, 120, "on a kernel without PSI: under half of that available",
          "{r.available:.0f} % of memory is available",
          lambda load, mark: (Level(load.available if load.memory_full is None else None, mark.memory_available / 2,
                                    low=True),), "memory_holder"),
    Gauge("pressure-memory", Part.LOAD, Severity.HIGH, 30, "memory full avg10 above {pressure_memory:g}",
          "{r.memory_full:.0f} % of the time all that runs waits for memory",
          lambda load, mark: (Level(load.memory_full, mark.pressure_memory),), "memory_holder"),
    Gauge("swap-full", Part.LOAD, Severity.MEDIUM, 120,
          "over {swap:g} % of the swap used, and memory full avg10 above {swap_full:g}",
          "{r.swap:.0f} % of the swap is used, and {r.memory_full:.0f} % of the time all that runs waits for memory",
          lambda load, mark: (Level(load.swap, mark.swap), Level(load.memory_full, mark.swap_full)), "memory_holder"),
    Gauge("pressure-io", Part.LOAD, Severity.LOW, 300, "io full avg10 above {pressure_io:g}",
          "{r.io_full:.0f} % of the time all that runs waits for disks",
          lambda load, mark: (Level(load.io_full, mark.pressure_io),)),
    Gauge("pressure-cpu", Part.LOAD, Severity.LOW, 600, "cpu some avg60 above {pressure_cpu:g}",
          "{r.cpu_some:.0f} % of the time something waits for a processor",
          lambda load, mark: (Level(load.cpu_some, mark.pressure_cpu),), "cpu_holder"),
    Gauge("cpu-busy", Part.LOAD, Severity.LOW, 600, "the processors over {cpu:g} % busy",
          "the processors are {r.cpu:.0f} % busy", lambda load, mark: (Level(load.cpu, mark.cpu),), "cpu_holder"),
    Gauge("load-high", Part.LOAD, Severity.LOW, 600, "a load above {load:g} for each processor; clears 0.5 below",
          "the load is {r.per_core:.1f} for each processor",
          lambda load, mark: (Level(load.per_core, mark.load, back=0.5),), "cpu_holder"),
    Gauge("temperature-high", Part.TEMPERATURE, Severity.MEDIUM, 300,
          "less than {temperature:g} °C below the sensor's critical mark, if that is 40 to 150 °C",
          "{r.sensor} is {r.celsius:.0f} °C hot, critical is {r.critical:.0f} °C",
          lambda sensor, mark: (Level(sensor.celsius, sensor.critical - mark.temperature),), of="a sensor"),
)
