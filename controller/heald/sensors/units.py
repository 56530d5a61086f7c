"""The units that are failed, those that somebody still has an eye on, and those that went down with them."""

from collections.abc import Iterable
from dataclasses import replace

from .. import clock
from ..bus.systemd import Listed, Manager
from ..readings import Unit
from . import journal

AGE = 2.0           # seconds for which a reading of a unit holds whose line in systemd's list has not changed
AGAIN = 16          # units whose readings are renewed at most within that time: 200 that stay down cost no more
MOST = 500          # dependents that are looked at


class Units:
    """Reads them from one systemd. Each from one GetAll, one after the other: dbus-daemon refuses 128 that wait."""

    def __init__(self, manager: Manager, *, own: bool = False) -> None:
        self._manager, self._own = manager, own         # `own`: a person's own systemd
        self._known: dict[str, tuple[float, Listed, Unit]] = {}
        self._renewed = 0.0                             # when readings were last renewed
        self._jobs: dict[str, tuple[tuple[str, int], str]] = {}     # unit -> which failure of it, its newest job

    async def listed(self, also: Iterable[str] = ()) -> dict[str, Listed]:
        """systemd's lines for the failing units and `also`; one that is gone is left out. HealdError from the bus."""
        self._forget_the_oldest()
        rows = await self._manager.failing()
        return rows | await self._manager.listed(name for name in dict.fromkeys(also) if name not in rows)

    async def read(self, rows: dict[str, Listed]) -> tuple[Unit, ...]:
        """These units, and of what requires one of them or is bound to it what is down. HealdError from the bus."""
        found: dict[str, Unit] = {}
        asked = set(rows)
        while rows:
            fresh = [unit for row in rows.values() if (unit := await self._unit(row)) is not None]
            found |= {unit.name: unit for unit in fresh}
            below = {name for unit in fresh for name in unit.dependents} - asked
            asked |= below
            listed = await self._manager.listed(sorted(below)[:MOST])
            rows = {name: row for name, row in listed.items() if row.active_state == "inactive" and name not in found}
        self._known = {name: known for name, known in self._known.items() if name in found}
        return await self._with_newest_jobs(found)

    def _forget_the_oldest(self) -> None:
        """Readings that are too old; of many only some at a time."""
        now = clock.monotonic()
        old = [name for name, (read, _, _) in self._known.items() if now - read >= AGE]     # in the order read
        if len(old) <= AGAIN or now - self._renewed >= AGE:
            self._renewed = now
            for name in old[:AGAIN]:
                del self._known[name]

    async def _unit(self, row: Listed) -> Unit | None:
        now = clock.monotonic()
        read, before, unit = self._known.get(row.name, (0.0, None, None))
        if unit is not None and before == row:
            return replace(unit, active_for=unit.active_for + now - read) if unit.active_for else unit
        unit = await self._manager.unit(row.name)
        if unit is not None:
            self._known[row.name] = (now, row, unit)
        return unit

    async def _with_newest_jobs(self, found: dict[str, Unit]) -> tuple[Unit, ...]:
        """Asked once for each failure, in one process for all of a look: forty would take longer than a watchdog."""
        silent = {name: (u.invocation, u.inactive_enter) for name, u in found.items() if _stamps_are_silent(u)}
        self._jobs = {name: known for name, known in self._jobs.items() if silent.get(name) == known[0]}
        if new := {name: which[0] for name, which in silent.items() if name not in self._jobs}:
            words = await journal.newest_jobs(new, user=self._own)
            self._jobs |= {name: (silent[name], words.get(name, "")) for name in new}
        return tuple(replace(u, newest_job=self._jobs[name][1]) if name in silent else u for name, u in found.items())


def _stamps_are_silent(unit: Unit) -> bool:
    """Whether only the journal can tell a person's stop from a crash: it failed in a run in which it never was active.

    The stamps of a unit that was active tell (right in 80 of 80 tries); of one that was not they equal a crash.
    """
    return unit.active_state == "failed" and (not unit.main_start or unit.active_exit < unit.main_start)
