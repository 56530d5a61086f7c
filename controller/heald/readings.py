"""What the sensors read, as it was read: frozen data, no opinions, no I/O.

The stamps of a Unit are systemd's own, CLOCK_MONOTONIC in microseconds, 0 = never; all others are CLOCK_BOOTTIME in
seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Part(StrEnum):
    """What one wake reads: each is one sensor's part of a Snapshot."""

    UNITS = "units"
    STORAGE = "storage"
    PERMISSIONS = "permissions"
    PROBES = "probes"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit as systemd described it in one fresh read (Properties.GetAll)."""

    name: str
    load_state: str = "loaded"
    active_state: str = "active"
    sub_state: str = "running"
    result: str = "success"
    service_type: str = ""              # Type= of a service: simple, oneshot, notify, …; "" for other units
    exec_main_status: int = 0
    n_restarts: int = 0
    job: int = 0                        # id of the job that is queued for it, 0 = none
    invocation: str = ""                # InvocationID of its latest run, hexadecimal
    active_exit: int = 0                # ActiveExitTimestampMonotonic
    inactive_enter: int = 0             # InactiveEnterTimestampMonotonic
    main_start: int = 0                 # ExecMainStartTimestampMonotonic
    main_exit: int = 0                  # ExecMainExitTimestampMonotonic
    runtime_max: int = 0                # RuntimeMaxUSec, 0 = infinity
    triggered_by: tuple[str, ...] = ()
    needed: bool = False                # default.target requires it (Requires=, BindsTo=, recursively)
    files: float = 0.0                  # the latest ctime of its unit file and drop-ins, seconds since the epoch
    newest_job: str = ""                # the journal's newest job for it: start, stop, restart, …; "" = not asked


@dataclass(frozen=True, slots=True)
class FileSystem:
    """One backing device, named by its first mount point. Sizes in bytes; 0 inodes = it keeps no table of them."""

    mount: str
    device: str
    fstype: str
    size: int
    used: int
    available: int                      # to an unprivileged user, as df says
    inodes: int = 0
    inodes_free: int = 0

    @property
    def percent(self) -> float:
        """Used per cent as df counts: used / (used + available)."""
        whole = self.used + self.available
        return 100.0 * self.used / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class PathMode:
    """A directory as it is, and as its tmpfiles.d line (or 1777 root) wants it. Modes are permission bits (0o1777)."""

    path: str
    mode: int
    uid: int
    gid: int
    want_mode: int = 0o1777
    want_uid: int = 0
    want_gid: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """How one probe of a unit goes."""

    unit: Unit
    address: str
    failures: int | None                # in a row; None: not known since the unit was started
    why: str = ""                       # it failed last


@dataclass(frozen=True, slots=True)
class Machine:
    """What the whole machine is doing. Stamps are boottime seconds; None = not since heald looks."""

    system_state: str = "running"       # initializing, starting, running, degraded, maintenance, stopping
    up: float = 86400.0                 # seconds since userspace started
    shutting_down: bool = False         # logind's PrepareForShutdown
    sleeping: bool = False              # logind's PrepareForSleep
    woke: float | None = None           # when it last woke from sleep
    paused: Mapping[str, str] = field(default_factory=dict)     # subjects that a person paused, and until when


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the sensors read in one wake. A part that was not read is None: nothing may be concluded from it."""

    now: float
    machine: Machine
    units: tuple[Unit, ...] | None = None       # the failed ones, and those of open incidents
    filesystems: tuple[FileSystem, ...] | None = None
    paths: tuple[PathMode, ...] | None = None
    answers: tuple[Answer, ...] | None = None

    def part(self, part: Part) -> tuple[object, ...] | None:
        """What one sensor filled in."""
        return {
            Part.UNITS: self.units, Part.STORAGE: self.filesystems, Part.PERMISSIONS: self.paths,
            Part.PROBES: self.answers,
        }[part]
