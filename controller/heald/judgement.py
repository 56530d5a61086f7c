"""What is kept in mind from look to look about units and how issues hang together. No I/O, no time of its own."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from heald import bonds, causes, incidents, resolver
from heald.causes import Place
from heald.detector import Key, Memory
from heald.model import Decision, Incident, Issue
from heald.readings import Snapshot, Unit


class Judgement:
    """Of one machine. `units` as last read, by name; `where` the place of each issue of the last look."""

    def __init__(self) -> None:
        self.units: dict[str, Unit] = {}
        self.where: dict[Key, Place] = {}
        self._restarts: dict[str, bonds.Restarts] = {}

    def watched(self, open_: Iterable[Incident], now: float) -> set[str]:
        """The units that are read also while they are well: of open incidents, and those that came back just now."""
        units = {name for name, known in self._restarts.items() if now - known.seen < bonds.FRESH}
        for incident in open_:
            units |= {a.subject for a in incident.attempts if a.subject}
            if incident.kind.startswith("unit-"):
                units.add(incident.subject)
        return units

    def recalled(self, snapshot: Snapshot, known: Iterable[Incident]) -> Snapshot:
        """With what is remembered of its units, if they were read."""
        if snapshot.units is None:
            return snapshot
        ours = [(a.action.target, a.started) for i in known for a in i.attempts
                if a.action.category == "service" and (a.result is None or a.result.begun)]     # or is under way
        self._restarts, units = bonds.recall(self._restarts, snapshot.units, ours, snapshot.now)
        self.units = {unit.name: unit for unit in units}
        return replace(snapshot, units=units)

    def halted(
        self, open_: Mapping[Key, Incident], before: Memory, found: Iterable[Issue], jobs: Set[str]
    ) -> dict[Key, bool]:
        """Of each failed unit, and of those of open incidents: whether a person is seen to have stopped it.

        `jobs`: the units of which a job that was not ours was done since the look `before`.
        """
        after: dict[Key, bool] = {}
        for key, known in ({i.key: incidents.opened(i, 0, i.since) for i in found} | dict(open_)).items():
            unit, seen = self.units.get(known.subject), before.get(key)
            if unit is not None and known.kind == "unit-failed":
                after[key] = incidents.halted(
                    known, unit, seen.issue.unit if seen else None, job_done=unit.name in jobs,
                    taken=bonds.taken(unit, self.units))
        return after

    def put(
        self, found: Sequence[Issue], open_: Mapping[Key, Incident], world: resolver.World, apart: Set[Key]
    ) -> None:
        """Each issue in its place; those in `apart` in an incident of their own."""
        through = {i.key for i in found if i.kind == "disk-full" and resolver.through(
            i, incidents.part(open_.get(i.key) or incidents.opened(i, 0, world.now), i), world)}
        self.where = causes.places(found, self.units, open_, through, world.now)
        for key in apart & self.where.keys():
            self.apart(key)

    def apart(self, key: Key) -> None:
        """From now on in an incident of its own."""
        self.where[key] = replace(self.where[key], home=key)

    def decide(self, issue: Issue, open_: Mapping[Key, Incident], world: resolver.World) -> Decision:
        """What to do about it, in its place among the others."""
        place, failed = self.where[issue.key], open_.get(("unit-failed", issue.subject))
        return resolver.decide(issue, incidents.part(open_[place.home], issue), replace(
            world, place=place, halted=failed is not None and failed.halted,
            taken=issue.kind == "unit-blocked" or (issue.unit is not None and bonds.taken(issue.unit, self.units))))

    def is_starting(self, home: Key) -> bool:
        """One of those that belong to this incident is on its way up: the next as soon as it is active."""
        units = [self.units.get(key[1]) for key, place in self.where.items() if place.home == home != key]
        return any(unit is not None and unit.active_state == "activating" for unit in units)
