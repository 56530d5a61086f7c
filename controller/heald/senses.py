"""The sensors joined to one reading of a machine."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from heald import clock
from heald.bus.login1 import Login
from heald.bus.systemd import Manager
from heald.readings import Machine, Part, Snapshot, Unit
from heald.sensors import journal, permissions, storage, temperature, units
from heald.sensors.load import LoadSensor

EVIDENCE = ("result", "exec_main_status", "n_restarts", "service_type", "invocation")


@dataclass(slots=True)
class SystemSenses:
    """Reads the machine that heald runs on. `login` None: nobody follows shutdown and sleep (one look, by a person).

    `limited` names the units that heald has limited: that they wait is its own doing.
    """

    manager: Manager
    login: Login | None = None
    limited: Callable[[], Iterable[str]] = tuple
    load: LoadSensor = field(default_factory=LoadSensor)

    async def read(self, parts: frozenset[Part], names: Iterable[str]) -> Snapshot:
        """A fresh reading; HealdError when systemd does not answer."""
        now = clock.boottime()      # before the look: what a repair mends meanwhile was not seen ill after it
        state, up = await self.manager.state()
        login = self.login
        machine = Machine(
            state, up, login is not None and login.shutting_down, login is not None and login.sleeping,
            login.woke if login else None,
        )
        failed = await units.read(self.manager, names) if Part.UNITS in parts else None
        return Snapshot(
            now, machine, failed,
            storage.read() if Part.STORAGE in parts else None,
            permissions.read() if Part.PERMISSIONS in parts else None,
            loads=await self.load.read(self.limited()) if Part.LOAD in parts else None,
            temperatures=temperature.read() if Part.TEMPERATURE in parts else None,
        )

    async def evidence(self, unit: Unit) -> tuple[Mapping[str, object], list[str]]:
        """What systemd said of the failure, and the last lines of the unit's journal."""
        return {name: getattr(unit, name) for name in EVIDENCE}, await journal.last_lines(unit.name)
