"""How much root does for the controller: counted here, where a controller that was taken over cannot reach it."""

import json
import os
import pwd
import time
from typing import NamedTuple

from .contract import RefusedError
from .loop import tell
from .settings import File, Settings

HOUR = 3600.0
UID_CALLS, OWN_CALLS, ALL_CALLS, KEPT = 2, 4, 16, 4
"""Calls in flight: a uid's, the controller's, everybody's, and of these kept for the controller."""

ALONE = {"system/alert": 10}
"""Operations with a count of their own, in an hour: they heal nothing, and take nothing from what is healed."""

KEPT_LONG = {"system/rollback"}
"""Operations that are remembered until the next boot."""

Begun = tuple[float, str, str, bool]
"""When (CLOCK_BOOTTIME), operation, unit by its resolved Id, and whether it was for the controller."""


class Held(NamedTuple):
    """A limit that root set on a unit and has not lifted yet."""

    former: int
    ours: int
    theirs: list[str]       # the unit's drop-ins of others at that time: were they changed, `former` says nothing


def now() -> float:
    """CLOCK_BOOTTIME: it runs on in sleep, and no one sets it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def monotonic() -> float:
    """CLOCK_MONOTONIC: the clock of systemd's stamps."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def uid_of(name: str) -> int:
    """The uid of a user, or one that nobody has."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return -1


class Ledger:
    """What root began and which limits it set, in one small file in /run: a full disk neither blocks it nor resets it,
    a reboot does.

    A file that cannot be understood counts as an hour's limit used up just now: in doubt root does nothing.
    """

    def __init__(self, folder: str, root: File) -> None:
        self._file, self._new = f"{folder}/ledger.json", f"{folder}/ledger.new"
        self._begun: list[Begun] = []
        self._held: dict[str, dict[str, Held]] = {}
        self.saved = True
        try:
            with open(self._file, encoding="ascii") as file:
                begun, held = json.load(file)
            self._begun = [(float(at), str(op), str(target), bool(own)) for at, op, target, own in begun]
            self._held = {unit: {name: Held(*row) for name, row in rows.items()} for unit, rows in held.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
            tell(f"{self._file} is damaged ({error}): the controller is refused for an hour")
            self._begun = [(now(), "", "", True)] * root.read().per_hour
            self.save()         # else each start would begin another hour

    def check(self, operation: str, target: str, settings: Settings) -> None:
        """RefusedError LimitsExceeded where the controller has had its share."""
        at = now()
        own = [(when, op, what) for when, op, what, counted in self._begun
               if counted and when > at - HOUR and ((op == operation) if operation in ALONE else op not in ALONE)]
        if len(own) >= ALONE.get(operation, len(own) + 1):
            raise RefusedError("LimitsExceeded", f"{operation} was done {len(own)} times in an hour: that is all")
        if operation not in ALONE and len(own) >= settings.per_hour:
            raise RefusedError("LimitsExceeded", f"{settings.per_hour} actions in an hour: per_hour in helper.toml")
        each = min(max(settings.refill, 1), HOUR)       # older ones are forgotten
        tokens, last = float(settings.burst), at - HOUR
        for when in [*(when for when, op, what in own if (op, what) == (operation, target)), at]:
            tokens = min(settings.burst, tokens + (when - last) / each) - 1
            last = when
        if tokens < 0:
            raise RefusedError("LimitsExceeded", f"{operation} was done {settings.burst} times; then once in "
                                                 f"{settings.refill} s: burst and refill in helper.toml")

    def add(self, operation: str, target: str, *, own: bool) -> Begun:
        """Root begins this now."""
        at = now()
        entry = (at, operation, target, own)
        self._begun = [*(row for row in self._begun if row[0] > at - HOUR or row[1] in KEPT_LONG), entry]
        self.save()
        return entry

    def take_back(self, entry: Begun) -> None:
        """It turned out that there was nothing to do: a refusal costs nothing."""
        self._begun = [row for row in self._begun if row is not entry]
        self.save()

    def has_begun(self, operation: str) -> bool:
        """Whether root began this in the last hour; of KEPT_LONG since the boot."""
        return any(row[1] == operation for row in self._begun)

    def started(self, unit: str, since: float) -> bool:
        """Whether root started this unit after `since`."""
        starts = {"service/start", "service/repair"}
        return any(when > since and what == unit and op in starts for when, op, what, _ in self._begun)

    def held(self, unit: str) -> dict[str, Held]:
        """The limits on this unit that are root's: property -> what is known of it."""
        return self._held.get(unit, {})

    def hold(self, unit: str, held: dict[str, Held]) -> None:
        """Remember these limits on the unit, and no other."""
        self._held.pop(unit, None)
        if held:
            self._held[unit] = held
        self.save()

    def save(self) -> bool:
        """Replace the file in one step. False where /run is full: it stays unsaved, and the helper must not leave."""
        try:
            with open(self._new, "w", encoding="ascii") as file:
                file.write(json.dumps([self._begun, self._held]))
            os.replace(self._new, self._file)
            self.saved = True
        except OSError as error:
            if self.saved:
                tell(f"{self._file} cannot be written ({error}): the counts are kept in memory")
            self.saved = False
        return self.saved


class Flight:
    """The calls in flight, by uid."""

    def __init__(self) -> None:
        self._by_uid: dict[int, int] = {}

    def enter(self, uid: int, controller: int) -> None:
        """RefusedError LimitsExceeded where too many are in flight; else leave() must follow."""
        own = uid == controller
        mine, others = self._by_uid.get(uid, 0), sum(n for u, n in self._by_uid.items() if u != controller)
        full = not own and others >= ALL_CALLS - KEPT
        if full or mine >= (OWN_CALLS if own else UID_CALLS):
            raise RefusedError("LimitsExceeded", "too many calls are in flight: wait for an answer, then try again")
        self._by_uid[uid] = mine + 1

    def leave(self, uid: int) -> None:
        """One call of this uid was answered, or its caller is gone."""
        self._by_uid[uid] -= 1
        if not self._by_uid[uid]:
            del self._by_uid[uid]
