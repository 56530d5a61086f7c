"""The words that the layers speak to each other: frozen data, no I/O.

Every `now`, `since`, `at` and `until` is CLOCK_BOOTTIME in seconds, so that a jump of the wall clock changes nothing.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from heald.readings import Unit


class Category(StrEnum):
    """The three generic categories of action: one method of the helper, one polkit action each."""

    SERVICE = "service"
    RESOURCE = "resource"
    SYSTEM = "system"


OPERATIONS: dict[Category, tuple[str, ...]] = {
    Category.SERVICE: ("start", "repair", "restart", "reload"),
    Category.RESOURCE: ("limit-memory", "limit-cpu", "unlimit", "vacuum-journal", "clean-temporary", "clean-packages"),
    Category.SYSTEM: ("restore-permissions", "collect-garbage", "drop-generations", "verify-store", "optimise-store",
                      "trim", "rollback", "run", "alert"),
}
"""What root can do, as CATEGORY/OPERATION; a rule may name all but alert. A test holds this to the contract in
dbus/org.heald.Helper1.xml."""


WAIT, _LONG_WAIT = 20, 300
"""Seconds that the helper waits for the work to end before it answers `running`; for that of minutes as long as it
can: while it is at work the next rung would come too early."""
_LONG = frozenset({"collect-garbage", "drop-generations", "rollback"})


def on_unit(category: Category, operation: str) -> bool:
    """Whether an operation has a unit as its target; all others but run have none."""
    return category is Category.SERVICE or operation in {"limit-memory", "limit-cpu", "unlimit"}


class Level(IntEnum):
    """Words in an order; `label` is how people and JSON write them."""

    @property
    def label(self) -> str:
        return self.name.lower()


class Severity(Level):
    """How bad an issue is."""
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Mode(Level):
    """What a rule may do; the lesser of two modes is the cap."""
    OBSERVE = 0
    ASK = 1
    AUTO = 2


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that is wrong now. `value` and `threshold` are in the kind's own unit: per cent, a mode, a state."""

    kind: str
    subject: str
    severity: Severity
    since: float
    value: float | str
    threshold: float | str
    detail: str                         # one line for people
    seen: float = 0.0                   # when it was last read
    unit: Unit | None = None            # for a unit's issue: the reading it was made from
    culprit: str = ""                   # the unit that causes it and may be acted on, where the subject is no unit
    between: str = ""                   # CURRENT-TARGET: the generation that may have caused it, and one to go back to
    frees: frozenset[str] | None = None         # for a file system's: the operations that clean there; None: not known

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.subject

    @property
    def target(self) -> str:
        """What an operation on a unit goes to; "" = there is none."""
        return self.subject if self.kind.startswith(("unit-", "probe-")) else self.culprit


@dataclass(frozen=True, slots=True)
class Action:
    """One rung: an operation and what to do it to ("" where it takes no target)."""

    category: Category
    operation: str
    target: str = ""

    @property
    def name(self) -> str:
        return f"{self.category}/{self.operation}"

    @property
    def wait(self) -> int:
        """Seconds for which its end is waited for."""
        return _LONG_WAIT if self.operation in _LONG else WAIT

    def __str__(self) -> str:
        return f"{self.name} {self.target}".rstrip()


@dataclass(frozen=True, slots=True)
class Result:
    """How an action ended. `state`: done, running, unchanged, would (dry run), or a Code of errors.py."""

    state: str
    detail: str = ""

    @property
    def begun(self) -> bool:
        """Root did, or may have done, something (or would have): it counts as a repair."""
        return self.state in {"done", "running", "unchanged", "would", "Failed", "Timeout"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One action of one incident; `finished` None: it runs, or heald died in the middle of it."""

    action: Action
    started: float
    finished: float | None = None
    result: Result | None = None
    subject: str = ""                   # what it was done for, where that is not the incident's own subject


@dataclass(frozen=True, slots=True)
class Incident:
    """One issue from open until its subject has stayed well, relapses included."""

    id: int
    kind: str
    subject: str
    severity: Severity
    opened: float
    outcome: str = "open"               # open, healed, cleared, observed, asked, refused, gave-up, stood-back
    reason: str = ""                    # why the last decision was what it was
    attempts: tuple[Attempt, ...] = ()
    ill: float = 0.0                    # when it was last seen ill by a fresh look
    well: float | None = None           # since when its subject is well; None while it is ill
    healed: float | None = None
    closed: float | None = None
    next: tuple[Action, float] | None = None    # what is waited for or asked, and when
    issue: Issue | None = None          # as last seen; None after a restart of the daemon until it is seen again
    skipped: frozenset[str] = frozenset()       # rungs that do not apply here: Healthy, NotSupported
    files: float = 0.0                  # Unit.files when it opened: a change begins a new incident
    halted: bool = False                # a person was seen to stop it, and nobody started it since

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.subject


class Verdict(StrEnum):
    """What the resolver says of one issue, now."""

    ACT = "act"
    ASK = "ask"
    OBSERVE = "observe"
    WAIT = "wait"
    STAND_BACK = "stand-back"
    GIVE_UP = "give-up"                 # said once; the first rung is tried again at `until`
    REFUSED = "refused"                 # root will not: nothing is asked again


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one issue, and why. Every verdict but ACT has `until`: when to decide again."""

    verdict: Verdict
    reason: str
    action: Action | None = None
    until: float | None = None
