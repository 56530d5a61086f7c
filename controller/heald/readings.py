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
    LOAD = "load"
    TEMPERATURE = "temperature"
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
    main_pid: int = 0                   # ExecMainPID of its latest run, also after its end
    runtime_max: int = 0                # RuntimeMaxUSec, 0 = infinity
    triggered_by: tuple[str, ...] = ()
    needed: bool = False                # default.target requires it (Requires=, BindsTo=, recursively)
    files: float = 0.0                  # the latest ctime of its unit file and drop-ins, seconds since the epoch
    newest_job: str = ""                # the journal's newest job for it: start, stop, restart, …; "" = not asked
    active_for: float = 0.0             # seconds since it became active, 0.0 where it is not
    requires: tuple[str, ...] = ()      # Requires=, BindsTo=
    dependents: tuple[str, ...] = ()    # RequiredBy=, BoundBy=
    wanted: bool = True                 # enabled, or an active target pulls it in; read of inactive units alone
    conflicts: tuple[str, ...] = ()     # the units of its Conflicts=, either way, that are up
    stopped_needs: tuple[str, ...] = () # of a failed one: what its start would start too, down but not failed
    reload: bool = False                # NeedDaemonReload that no lifted limit of heald's explains
    failure_action: str = ""            # "FailureAction=reboot", or StartLimitAction=; "" = none
    clustered: bool = False             # a drop-in of pacemaker's
    exits: tuple[int, ...] = ()         # exit statuses of its commands in the latest run, but of those with a "-"
    prevented: bool = False             # RestartPreventExitStatus= names how its main process ended
    touched: bool = False               # a file that it is made of was written after it went down
    flaps: tuple[int, int] = (0, 0)     # restarts, systemd's and heald's, in the last 10 minutes and in the last day
    between: str = ""                   # CURRENT-TARGET, where the current generation of NixOS changed it: see sensors
    came_back: bool = False             # by our hand or by Restart=, less than 5 minutes ago


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
    frees: frozenset[str] | None = None     # the operations that clean here, CATEGORY/OPERATION; None: not known

    @property
    def boots(self) -> bool:
        """Whether kernels and the boot loader lie there."""
        return f"{self.mount}/".startswith(("/boot/", "/efi/"))

    @property
    def percent(self) -> float:
        """Used per cent as df counts: used / (used + available)."""
        whole = self.used + self.available
        return 100.0 * self.used / whole if whole else 0.0

    @property
    def inodes_percent(self) -> float:
        """Used per cent of its inodes; 0 where it has no fixed number of them."""
        return 100.0 * (self.inodes - self.inodes_free) / self.inodes if self.inodes else 0.0


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
class Holder:
    """The unit that holds most of something: of anonymous memory, or of the processors' time."""

    unit: str
    share: float                        # of what all together hold, 0 to 1
    manager: str = ""                   # user@UID.service where it belongs to a person's own manager
    system: bool = False                # a service below system.slice


@dataclass(frozen=True, slots=True)
class Load:
    """What memory, disks and processors bear. Per cent where nothing else is said.

    `full` and `some` are the kernel's pressure figures (PSI): of the time, how much all that runs waited, or something
    did. They are None on a kernel that has none.
    """

    available: float                    # memory that can be had without swapping
    swap: float                         # used; 0 without swap
    per_core: float                     # load average of a minute, for each processor
    cpu: float | None = None            # busy since the last reading; None at the first
    memory_full: float | None = None    # over 10 s, without what the units that heald limited wait for
    io_full: float | None = None        # over 10 s
    cpu_some: float | None = None       # over 60 s
    memory_holder: Holder | None = None
    cpu_holder: Holder | None = None    # since the last reading


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor, in degrees Celsius; `critical` is its own mark."""

    sensor: str
    celsius: float
    critical: float


@dataclass(frozen=True, slots=True)
class Machine:
    """What the whole machine is doing. Stamps are boottime seconds; None = not since heald looks."""

    system_state: str = "running"       # initializing, starting, running, degraded, maintenance, stopping
    up: float = 86400.0                 # seconds since userspace started
    shutting_down: bool = False         # logind's PrepareForShutdown
    sleeping: bool = False              # logind's PrepareForSleep
    woke: float | None = None           # when it last woke from sleep
    packages: str = ""                  # who holds a block inhibitor of root's on shutdown: a package manager at work
    switching: bool = False             # a NixOS generation is being switched to
    short_of_memory: bool = False       # full avg10 above 5, or under 10 % available
    paused: Mapping[str, str] = field(default_factory=dict)     # subjects that a person paused, and until when


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the sensors read in one wake. A part that was not read is None: nothing may be concluded from it."""

    now: float
    machine: Machine
    units: tuple[Unit, ...] | None = None       # the failed ones, and those of open incidents
    filesystems: tuple[FileSystem, ...] | None = None
    paths: tuple[PathMode, ...] | None = None
    loads: tuple[Load, ...] | None = None       # one; none in a container, where they are the host's
    temperatures: tuple[Temperature, ...] | None = None
    answers: tuple[Answer, ...] | None = None

    def part(self, part: Part) -> tuple[object, ...] | None:
        """What one sensor filled in."""
        found: tuple[object, ...] | None = getattr(self, _FIELDS[part])
        return found


_FIELDS = {Part.UNITS: "units", Part.STORAGE: "filesystems", Part.PERMISSIONS: "paths", Part.LOAD: "loads",
           Part.TEMPERATURE: "temperatures", Part.PROBES: "answers"}
