"""The sensors joined to one reading of a machine."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from heald import clock
from heald.bus.login1 import Login
from heald.bus.systemd import Manager
from heald.readings import Machine, Part, Snapshot, Unit
from heald.sensors import journal, permissions, storage, units
from heald.sensors.probes import Prober

EVIDENCE = ("result", "exec_main_status", "n_restarts", "service_type", "invocation")


@dataclass(slots=True)
class SystemSenses:
    """Reads the machine that heald runs on. `login` None: nobody follows shutdown and sleep (one look, by a person)."""

    manager: Manager
    login: Login | None = None
    prober: Prober | None = None
    paused: Callable[[], Mapping[str, str]] = dict      # subjects, and until when

    async def read(self, parts: frozenset[Part], names: Iterable[str]) -> Snapshot:
        """A fresh reading; HealdError when systemd does not answer."""
        now = clock.boottime()      # before the look: what a repair mends meanwhile was not seen ill after it
        state, up = await self.manager.state()
        login = self.login
        machine = Machine(
            state, up, login is not None and login.shutting_down, login is not None and login.sleeping,
            login.woke if login else None, self.paused(),
        )
        failed = await units.read(self.manager, names) if Part.UNITS in parts else None
        return Snapshot(
            now, machine, failed,
            storage.read() if Part.STORAGE in parts else None,
            permissions.read() if Part.PERMISSIONS in parts else None,
            await self.prober.read(self.manager) if self.prober and Part.PROBES in parts else None,
        )

    async def evidence(self, unit: Unit) -> tuple[Mapping[str, object], list[str]]:
        """What systemd said of the failure, and the last lines of the unit's journal."""
        return {name: getattr(unit, name) for name in EVIDENCE}, await journal.last_lines(unit.name)
