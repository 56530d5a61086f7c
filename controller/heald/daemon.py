"""`heald`, the daemon: configuration, signals, sd_notify, and the engine between the bus and the history."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from heald import __version__, clock, config, detector, document, homes, paths
from heald.alerts import Alerts
from heald.bus.connection import Bus
from heald.bus.controller1 import Published
from heald.bus.helper import HelperClient
from heald.bus.login1 import Login
from heald.bus.own import OwnManager
from heald.bus.systemd import Manager
from heald.desktop import Desktop
from heald.engine import Engine
from heald.errors import Code, HealdError
from heald.executor import DryRun
from heald.history import REMEMBERED, History
from heald.journald import say
from heald.lifting import Lifter, lift_all, limited
from heald.model import Action, Incident, Mode
from heald.notify import notify, watchdog_seconds
from heald.pauses import Pauses
from heald.readings import Part
from heald.retention import Retention
from heald.senses import SystemSenses
from heald.sensors.container import in_container
from heald.sensors.probes import Prober
from heald.triggers import Trigger
from heald.witness import Witness

if TYPE_CHECKING:
    from heald.face.endpoint import Endpoint

EX_CONFIG = 78          # sysexits.h; the unit has it in RestartPreventExitStatus=


def main() -> None:
    """Exit codes: 0 stopped, 4 the bus is out of reach or was lost (systemd starts heald again), 78 configuration."""
    parser = argparse.ArgumentParser("heald", description="Heal this machine. See heald(8); healctl(1) talks to it.")
    parser.add_argument("--version", action="version", version=f"heald {__version__}")
    parser.add_argument("--dry-run", action="store_true", help="decide and say, but ask nobody to do anything")
    parser.add_argument("--lift-limits", action="store_true",
                        help="take back the limits that heald has set on units, and end: what ExecStopPost= calls")
    parser.add_argument("--user", action="store_true",
                        help="heal the units of who runs this by their own systemd, and tell them on their desktop")
    options = parser.parse_args()
    try:
        home = homes.session() if options.user else homes.machine()
        asyncio.run(lift_all(say) if options.lift_limits else Daemon(home, dry_run=options.dry_run).run())
    except HealdError as error:
        print(f"heald: {error}", file=sys.stderr)
        sys.exit(EX_CONFIG if error.exit_code == 2 else error.exit_code)


class Daemon:
    """One run of the daemon; `dry_run` needs neither root's helper nor the name on the bus."""

    def __init__(self, home: homes.Home, *, dry_run: bool) -> None:
        self._home, self._dry_run = home, dry_run
        self._settings = config.load(home.config)
        self._history = History(home.state / "history.db", say)
        self._stop = asyncio.Event()
        self._engine: Engine
        self._pauses = Pauses(home.state / "paused.json", say)
        self._prober = Prober((), lambda: self._engine.wake(Part.PROBES), say)
        self._published: Published | None = None
        self._trigger: Trigger | None = None
        self._lift: Callable[[], None] = lambda: None
        self._follow: list[Callable[[int], None]] = []      # who wants to know that an incident changed
        self._endpoint: Endpoint | None = None
        self._serve: Callable[[], None] = lambda: None
        self._desktop: Desktop | None = None

    async def run(self) -> None:
        """Until SIGTERM, SIGINT, or the end of the bus, which is an error."""
        bus = await Bus.connect(self._home.bus)
        system = await Bus.connect() if self._home.own else bus
        witness = await self._begin(bus, system)
        retention = Retention(self._history, lambda: self._settings.history, lambda: self._engine.busy)
        def alive() -> None:
            notify("WATCHDOG=1")
            witness.go_on()
            retention.go_on()
        lost = [asyncio.create_task(self._stop_when_lost(one)) for one in (bus, system)]
        notify(f"READY=1\nSTATUS=watching, mode {self._settings.mode.label}")
        say(f"heald {__version__} watches {self._home.name}, mode {self._settings.mode.label}"
            f"{', dry run: nothing is done' if self._dry_run else ''}")
        try:
            await self._engine.run(self._stop, alive, watchdog_seconds())
        finally:
            notify("STOPPING=1")
            for task in lost:
                task.cancel()
            self._prober.stop()
            if self._endpoint is not None:
                await self._endpoint.stop()
            try:
                await self._engine.finish()
            finally:
                self._history.close()
            if self._desktop is not None:
                await self._desktop.stop()
            was_lost = next((one.kind for one in (bus, system) if one.lost.is_set()), "")
            for one in {bus, system}:
                one.close()
        if was_lost:
            raise HealdError(Code.UNREACHABLE, f"the connection to the {was_lost} bus was lost")

    async def _begin(self, bus: Bus, system: Bus) -> Witness:
        """All that watches and all that heals, ready to run."""
        own = self._home.own
        manager = Manager(bus)
        login = Login(system, lambda: self._engine.wake(Part.UNITS))
        healer = OwnManager(bus) if own else HelperClient(bus)
        senses = SystemSenses(
            manager, login, limited=lambda: limited(self._history.known.values()), prober=self._prober,
            paused=self._pauses.now, own=own)
        witness = Witness(self._history, senses, manager, lambda: self._engine.busy, bus.spawn)
        if not own:             # what it asks the journal is of the machine's units
            self._follow.append(witness.changed)
        self._engine = Engine(senses, DryRun() if self._dry_run else healer, self._history, self._settings, say=say,
                              changed=self._changed)
        self._ask_fleet()
        self._listen()
        self._trigger = None if own or in_container() else Trigger(lambda: self._engine.wake(Part.LOAD))
        await login.start()
        await manager.subscribe(lambda: self._engine.wake(Part.UNITS), lambda: self._trouble(bus))
        if not self._dry_run:
            published = Published(bus, self._read, {"Pause": self._pause, "Resume": self._resume})
            await published.start()
            self._published = published
            if isinstance(healer, OwnManager):
                await self._begin_own(healer, bus, system)
            else:
                await self._begin_root(healer, bus)
        self._prober.use(self._settings.probes)
        return witness

    async def _begin_root(self, helper: HelperClient, bus: Bus) -> None:
        """What only root's helper makes possible, and what only the whole machine's heald does."""
        lifter = Lifter(self._history, helper, say, self._changed)
        self._lift = lambda: bus.spawn(lifter.lift(), "limits are lifted")
        bus.spawn(lifter.lift(everything=True), "what a crash left limited is lifted")
        def finished(action: Action, success: bool) -> None:
            lifter.seen(action, success)
            self._engine.ended(action, success)
        await helper.watch_finished(finished)
        self._follow.append(Alerts(self._history, helper, say, bus.spawn).changed)
        self._serve = lambda: bus.spawn(self._listen_http(helper), "metrics are served")
        self._serve()

    async def _begin_own(self, healer: OwnManager, bus: Bus, system: Bus) -> None:
        await healer.start()
        self._desktop = Desktop(bus, system, healer, self._read, say)
        await self._desktop.start()

    def _trouble(self, bus: Bus) -> None:
        """The helper takes longer to start than it takes to decide: it starts meanwhile."""
        if self._settings.mode is Mode.AUTO and not self._dry_run and not self._home.own:
            HelperClient(bus).rouse()

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    async def _listen_http(self, helper: HelperClient) -> None:
        """As [metrics] says, from now on. What it needs takes 4 MB: it is loaded where somebody wants it."""
        if self._endpoint is None and self._settings.metrics.enable:
            from heald.face.endpoint import Endpoint
            self._endpoint = Endpoint(self._history, paths.state() / "history.db", self._read,
                                      behind=lambda: self._engine.behind, reachable=helper.reachable, say=say)
        if self._endpoint is not None:
            await self._endpoint.use(self._settings.metrics)

    def _ask_fleet(self) -> None:
        """Before each repair of the machine's from now on, or no more, as [fleet] says."""
        self._engine.hold = None
        if self._settings.fleet.prometheus and not self._home.own:
            from heald.brake import Brake
            self._engine.hold = Brake(self._settings.fleet, self._engine.wake, say).hold

    def _end(self) -> None:
        self._stop.set()
        self._engine.wake()

    async def _stop_when_lost(self, bus: Bus) -> None:
        await bus.lost.wait()
        self._end()

    def _reload(self) -> None:
        """A broken file leaves the old settings in force."""
        notify(f"RELOADING=1\nMONOTONIC_USEC={int(clock.monotonic() * 1e6)}")
        try:
            self._settings = config.load(self._home.config)
        except HealdError as error:
            say(f"the old configuration stays in force: {error}")
        else:
            self._prober.use(self._settings.probes)
            self._engine.use(self._settings)
            self._ask_fleet()
            self._serve()
            say(f"configuration read again, mode {self._settings.mode.label}")
        notify("READY=1")

    def _pause(self, subject: str, seconds: int) -> None:
        self._pauses.pause(subject, seconds)
        say(f"{subject} is paused until {self._pauses.now()[subject]}")
        self._engine.wake(Part.UNITS)

    def _resume(self, subject: str) -> None:
        self._pauses.resume(subject)
        say(f"{subject} is healed again")
        self._engine.wake(Part.UNITS)

    def _changed(self, incident: Incident) -> None:
        self._lift()
        for follow in self._follow:
            follow(incident.id)
        if self._published is not None:
            self._published.changed(incident.id)
        if self._endpoint is not None:
            self._endpoint.seen(incident)
        if self._desktop is not None:
            self._desktop.look()

    def _read(self) -> dict[str, object]:
        """What org.heald.Controller1 shows."""
        offset, issues = clock.offset(), self._engine.issues
        numbers = self._engine.numbers
        newest = sorted(self._history.known.values(), key=lambda i: i.id, reverse=True)
        shown = [i for place, i in enumerate(newest) if i.closed is None or place < REMEMBERED]
        return {
            "Version": __version__,
            "Mode": self._settings.mode.label,
            "Health": detector.health(issues),
            "Limits": self._engine.left,
            "Issues": [document.issue(i, numbers.get(i.key), offset) for i in issues],
            "Incidents": [document.incident(i, offset) for i in shown],
            "Paused": [{"subject": subject, "until": end} for subject, end in self._pauses.now().items()],
        }
