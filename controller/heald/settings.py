"""What heald is told to do: frozen settings, their built-in values, and the built-in rules."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from heald.copies import Copies
from heald.fleet import Fleet
from heald.keeping import Keeping
from heald.listen import Listen
from heald.model import OPERATIONS, Action, Category, Mode, Severity, on_unit
from heald.probes import Probe
from heald.thresholds import Thresholds

PACING = (0.0, 30.0, 120.0, 300.0, 900.0, 3600.0)
"""Seconds to wait before the first, second, … repair of one incident; the last repeats."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder. `target` None: the issue's own unit, or "" where the operation takes no target."""

    category: Category
    operation: str
    target: str | None = None
    mode: Mode = Mode.AUTO                  # at most, whatever the rule's own

    @property
    def name(self) -> str:
        return f"{self.category}/{self.operation}"

    def action(self, unit: str, between: str = "") -> Action | None:
        """What this rung does about an issue of `unit` ("": it has none), or of a change of generations `between`;
        None: it needs one."""
        goes_back = self.operation == "rollback"
        needs = on_unit(self.category, self.operation) or goes_back
        target = self.target if self.target is not None else between if goes_back else unit if needs else ""
        return Action(self.category, self.operation, target) if target or not needs else None

    @classmethod
    def parse(cls, name: str, target: str | None = None) -> "Rung":
        """From "service/start"; ValueError when there is no such operation."""
        category, _, operation = name.partition("/")
        if category not in set(Category) or operation not in set(OPERATIONS[Category(category)]) - {"alert"}:
            known = ", ".join(f"{c}/{o}" for c, all_ in OPERATIONS.items() for o in all_ if o != "alert")
            raise ValueError(f'"{name}" is no operation; known are {known}')
        if operation == "run" and not target:
            raise ValueError('"system/run" needs a target: write { do = "system/run", target = "NAME" }')
        return cls(Category(category), operation, target)


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern on kind, subject and severity, and a ladder of operations. The first rule that matches decides."""

    name: str
    kind: str
    subject: str = "*"
    severity: Severity = Severity.LOW       # at least
    mode: Mode = Mode.AUTO
    ladder: tuple[Rung, ...] = ()
    wait: float | None = None               # `for`: seconds that it must be wrong, instead of the kind's own
    settle: float = 10.0                    # seconds that a repaired unit is watched before a person is told it is up
    source: str = "built-in"                # the file it was read from

    def matches(self, kind: str, subject: str, severity: Severity) -> bool:
        """Globs, as in fnmatch(3), case-sensitive."""
        return fnmatchcase(kind, self.kind) and fnmatchcase(subject, self.subject) and severity >= self.severity


_START = Rung(Category.SERVICE, "start")
_REPAIR = Rung(Category.SERVICE, "repair")
_PACKAGES, _TEMPORARY = Rung(Category.RESOURCE, "clean-packages"), Rung(Category.RESOURCE, "clean-temporary")
_GARBAGE = Rung(Category.SYSTEM, "collect-garbage")
_DROP = Rung(Category.SYSTEM, "drop-generations", mode=Mode.ASK)        # auto when the disk is critically full
_ROLLBACK = Rung(Category.SYSTEM, "rollback", mode=Mode.ASK)
_LESS_MEMORY, _LESS_CPU = Rung(Category.RESOURCE, "limit-memory"), Rung(Category.RESOURCE, "limit-cpu")

BUILT_IN = (
    Rule("service", "unit-failed", severity=Severity.HIGH, ladder=(_START, _REPAIR, _ROLLBACK)),
    Rule("job", "unit-failed", mode=Mode.OBSERVE),      # a oneshot, or what a timer starts: not run twice by guess
    Rule("blocked", "unit-blocked", ladder=(_START,)),
    Rule("flapping", "unit-flapping", mode=Mode.ASK, ladder=(_ROLLBACK,)),
    Rule("disk", "disk-full", ladder=(
        _PACKAGES, _TEMPORARY, Rung(Category.RESOURCE, "vacuum-journal"), _GARBAGE, _DROP)),
    Rule("inodes", "inodes-full", ladder=(_PACKAGES, _TEMPORARY, _GARBAGE)),
    Rule("boot", "boot-full", mode=Mode.ASK, ladder=(_DROP,)),
    Rule("permissions", "permissions-wrong", ladder=(Rung(Category.SYSTEM, "restore-permissions"),)),
    Rule("probe", "probe-failed", ladder=(Rung(Category.SERVICE, "restart"),)),     # root: where may_restart names it
    Rule("memory", "memory-low", mode=Mode.ASK, ladder=(_LESS_MEMORY,)),
    Rule("memory pressure", "pressure-memory", mode=Mode.ASK, ladder=(_LESS_MEMORY,)),
    *(Rule(name, kind, mode=Mode.ASK, ladder=(_LESS_CPU,)) for name, kind in (
        ("cpu pressure", "pressure-cpu"), ("cpu", "cpu-busy"), ("load", "load-high"))),
)
OBSERVE = Rule("none", "*", mode=Mode.OBSERVE)
"""What holds for an issue that no rule matches."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the controller holds itself to; root has limits of its own that nothing here can change."""

    incidents_per_hour: int = 10
    kept_for_new: int = 4                   # of these, for subjects not touched in this hour
    rollbacks_per_day: int = 3              # of NixOS generations
    pacing: tuple[float, ...] = PACING


@dataclass(frozen=True, slots=True)
class Settings:
    """All of the configuration. Times in seconds."""

    mode: Mode = Mode.AUTO                  # caps every rule
    interval: float = 30.0                  # between passes over what has no event
    thresholds: Thresholds = field(default_factory=Thresholds)
    limits: Limits = field(default_factory=Limits)
    rules: tuple[Rule, ...] = BUILT_IN      # a user's rules first
    probes: tuple[Probe, ...] = ()
    metrics: Listen = field(default_factory=Listen)
    backup: Copies = field(default_factory=Copies)
    history: Keeping = field(default_factory=Keeping)
    fleet: Fleet = field(default_factory=Fleet)

    def rule(self, kind: str, subject: str, severity: Severity) -> Rule:
        """The first that matches."""
        return next((r for r in self.rules if r.matches(kind, subject, severity)), OBSERVE)
