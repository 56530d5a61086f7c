"""`heald`, the daemon: configuration, signals, sd_notify, and the engine between the bus and the history."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import closing, suppress

from heald import __version__, clock, config, detector, document, journald, paths, telling
from heald.alerts import Alerts
from heald.bus.connection import Bus
from heald.bus.controller1 import Published
from heald.bus.helper import HelperClient
from heald.bus.login1 import Login
from heald.bus.systemd import Manager
from heald.engine import Engine
from heald.errors import Code, HealdError
from heald.executor import DryRun
from heald.history import REMEMBERED, History
from heald.lifting import Lifter, limited
from heald.notify import notify, watchdog_seconds
from heald.pauses import Pauses
from heald.readings import Part
from heald.senses import SystemSenses
from heald.sensors.container import in_container
from heald.sensors.probes import Prober
from heald.telling import Line
from heald.triggers import Trigger
from heald.witness import Witness

EX_CONFIG = 78          # sysexits.h; the unit has it in RestartPreventExitStatus=


def main() -> None:
    """Exit codes: 0 stopped, 4 the bus is out of reach or was lost (systemd starts heald again), 78 configuration."""
    parser = argparse.ArgumentParser("heald", description="Heal this machine. See heald(8); healctl(1) talks to it.")
    parser.add_argument("--version", action="version", version=f"heald {__version__}")
    parser.add_argument("--dry-run", action="store_true", help="decide and say, but ask nobody to do anything")
    parser.add_argument("--lift-limits", action="store_true",
                        help="take back the limits that heald has set on units, and end: what ExecStopPost= calls")
    options = parser.parse_args()
    try:
        asyncio.run(lift_limits() if options.lift_limits else Daemon(dry_run=options.dry_run).run())
    except HealdError as error:
        print(f"heald: {error}", file=sys.stderr)
        sys.exit(EX_CONFIG if error.exit_code == 2 else error.exit_code)


def say(line: str) -> None:
    """To the journal, with fields, or whoever reads our output; one who reads no more is no reason to end."""
    fields = line.fields if isinstance(line, Line) else telling.line(line).fields
    if journald.connected(1) and journald.send((("MESSAGE", line), ("SYSLOG_IDENTIFIER", "heald"), *fields)):
        return
    with suppress(OSError):
        print(line, flush=True)


async def lift_limits() -> None:
    """All that history knows of. HealdError when the bus cannot be reached."""
    with closing(History(paths.state() / "history.db", say)) as history:
        if limited(history.known.values()):
            bus = await Bus.connect()
            with closing(bus):
                await Lifter(history, HelperClient(bus), say).lift(everything=True)


class Daemon:
    """One run of the daemon; `dry_run` needs neither root's helper nor the name on the bus."""

    def __init__(self, *, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._settings = config.load()
        self._history = History(paths.state() / "history.db", say)
        self._stop = asyncio.Event()
        self._engine: Engine
        self._pauses = Pauses(paths.state() / "paused.json", say)
        self._prober = Prober((), lambda: self._engine.wake(Part.PROBES), say)
        self._published: Published | None = None
        self._trigger: Trigger | None = None
        self._lift: Callable[[], None] = lambda: None
        self._follow: list[Callable[[int], None]] = []      # who wants to know that an incident changed

    async def run(self) -> None:
        """Until SIGTERM, SIGINT, or the end of the bus, which is an error."""
        bus = await Bus.connect()
        manager = Manager(bus)
        login = Login(bus, lambda: self._engine.wake(Part.UNITS))
        helper = DryRun() if self._dry_run else HelperClient(bus)
        senses = SystemSenses(
            manager, login, limited=lambda: limited(self._history.known.values()), prober=self._prober,
            paused=self._pauses.now)
        self._follow.append(Witness(
            self._history, senses, manager, lambda: self._engine.busy, bus.spawn).changed)
        self._engine = Engine(senses, helper, self._history, self._settings, say=say, changed=self._changed)
        self._listen()
        self._trigger = None if in_container() else Trigger(lambda: self._engine.wake(Part.LOAD))
        await login.start()
        await manager.subscribe(lambda: self._engine.wake(Part.UNITS))
        if not self._dry_run:
            self._follow.append(Alerts(self._history, helper, say, bus.spawn).changed)
            lifter = Lifter(self._history, helper, say, self._changed)
            self._lift = lambda: bus.spawn(lifter.lift(), "limits are lifted")
            bus.spawn(lifter.lift(everything=True), "what a crash left limited is lifted")
            await HelperClient(bus).watch_finished(lifter.seen)
            published = Published(bus, self._read, {"Pause": self._pause, "Resume": self._resume})
            await published.start()
            self._published = published
        self._prober.use(self._settings.probes)
        lost = asyncio.create_task(self._stop_when_lost(bus))
        notify(f"READY=1\nSTATUS=watching, mode {self._settings.mode.label}")
        say(f"heald {__version__} watches this machine, mode {self._settings.mode.label}"
            f"{', dry run: nothing is done' if self._dry_run else ''}")
        try:
            await self._engine.run(self._stop, lambda: notify("WATCHDOG=1"), watchdog_seconds())
        finally:
            notify("STOPPING=1")
            lost.cancel()
            self._prober.stop()
            await self._engine.finish()
            self._history.close()
            was_lost = bus.lost.is_set()
            bus.close()
        if was_lost:
            raise HealdError(Code.UNREACHABLE, "the connection to the system bus was lost")

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

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
            self._settings = config.load()
        except HealdError as error:
            say(f"the old configuration stays in force: {error}")
        else:
            self._prober.use(self._settings.probes)
            self._engine.use(self._settings)
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

    def _changed(self, number: str) -> None:
        self._lift()
        for follow in self._follow:
            follow(int(number))
        if self._published is not None:
            self._published.changed(int(number))

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
