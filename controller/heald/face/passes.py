"""What the commands do: one look, one look and repair, the daemon's state, the past. Each gives plain data."""

import asyncio
import sys
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from heald import clock, config, detector, document, paths
from heald.bus.connection import Bus
from heald.bus.controller1 import read_published
from heald.bus.helper import HelperClient
from heald.bus.systemd import Manager
from heald.engine import ALL, Engine, Manner
from heald.errors import REFUSED, Code, HealdError
from heald.executor import DryRun
from heald.face.agent import password_agent
from heald.face.consent import Consent
from heald.history import History, read
from heald.model import Incident, Issue, Mode, Severity
from heald.senses import SystemSenses
from heald.sensors.probes import Prober
from heald.settings import Settings

DAEMON_HISTORY = Path("/var/lib/heald/history.db")
T = TypeVar("T")
INTERRUPTED = 130       # 128 + SIGINT, as shells have it


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass found or did: the JSON document, and the exit code of its command."""

    document: Mapping[str, Any]
    exit_code: int


def remaining(issues: Iterable[Mapping[str, Any]]) -> int:
    """1 when an issue of medium severity or above is among these, else 0."""
    return int(any(Severity[i["severity"].upper()] >= Severity.MEDIUM for i in issues))


def _run(task: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(task)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def check() -> Pass:
    """One look at everything; HealdError when systemd cannot be asked."""
    return _run(_check())


async def _check() -> Pass:
    settings = config.load()
    bus = await Bus.connect()
    with closing(bus):
        snapshot = await SystemSenses(Manager(bus), prober=_prober(settings)).read(ALL, ())
        found = detector.issues(detector.detect(snapshot, settings, {}, at_once=True))
        numbers: dict[tuple[str, str], int] = {}
        with suppress(HealdError):          # the numbers are the daemon's; without one there are none
            known = await read_published(bus)
            numbers = {(i["kind"], i["subject"]): int(i["id"]) for i in known["Issues"] if "id" in i}
    issues = _issues(found, numbers)
    return Pass({"version": 1, "health": detector.health(found), "issues": issues}, remaining(issues))


def heal(*, dry_run: bool, yes: bool, quiet: bool) -> Pass:
    """One look and repair, as the person who asks. `quiet`: nothing is said on standard error while it works."""
    return _run(_heal(dry_run=dry_run, yes=yes, quiet=quiet))


async def _heal(*, dry_run: bool, yes: bool, quiet: bool) -> Pass:
    asks = not yes and not dry_run and sys.stdin.isatty()
    bus = await Bus.connect()
    with closing(bus), password_agent(wanted=not dry_run):
        consent = Consent(DryRun() if dry_run else HelperClient(bus, interactive=True), asks=asks)
        history = History(paths.own_state() / "history.db", _complain)
        now = clock.boottime()
        history.save(replace(i, closed=now, next=None) for i in history.known.values() if i.closed is None)
        before = max(history.known, default=0)
        settings = _as_asked(config.load(), present=asks or yes or dry_run)
        engine = Engine(
            SystemSenses(Manager(bus), prober=_prober(settings)), consent, history, settings,
            say=_silent if quiet else _complain, manner=Manner(paced=False, at_once=True, jitter=0.0),
        )
        await _one_pass(engine)
        history.close()
    mine = [i for i in history.known.values() if i.id > before]
    numbers = {i.key: i.id for i in mine}
    issues = _issues(engine.issues, numbers)
    offset = clock.offset()
    done = [document.incident(i, offset) for i in mine]
    code = INTERRUPTED if consent.left else _exit_code(mine, issues)
    return Pass({"version": 1, "issues": issues, "incidents": done}, code)


async def _one_pass(engine: Engine) -> None:
    """Look, repair what is wrong rung by rung, and watch what was repaired for as long as its rule settles."""
    watched: set[tuple[int, int]] = set()
    while True:
        await engine.cycle()
        healed = {(i.id, len(i.attempts)): i for i in engine.open.values() if i.outcome == "healed"}
        if engine.busy:
            await engine.finish()
        elif fresh := healed.keys() - watched:
            watched |= fresh
            rules = [engine.settings.rule(i.kind, i.subject, i.severity) for i in map(healed.__getitem__, fresh)]
            await asyncio.sleep(max(rule.settle for rule in rules))
        else:
            return


def _prober(settings: Settings) -> Prober:
    """For one look: asked whenever it is read."""
    return Prober(settings.probes, lambda: None, _complain)


def _as_asked(settings: Settings, *, present: bool) -> Settings:
    """The cap on the rules is the daemon's. Where a person is present, they are the one whom a rule would ask."""
    rules = tuple(replace(r, mode=Mode.AUTO) if present and r.mode is Mode.ASK else r for r in settings.rules)
    return replace(settings, mode=Mode.AUTO, rules=rules)


def _exit_code(mine: Iterable[Incident], issues: list[document.Document]) -> int:
    last = [i.attempts[-1].result for i in mine if i.attempts and i.well is None]
    states = {r.state for r in last if r is not None}
    if states & {Code.UNREACHABLE, Code.TIMEOUT}:
        return 4
    return 3 if states & REFUSED else remaining(issues)


def status() -> dict[str, Any]:
    """What the daemon knows; HealdError(UNREACHABLE) when there is none."""
    return _run(_status())


async def _status() -> dict[str, Any]:
    bus = await Bus.connect()
    with closing(bus):
        known = await read_published(bus)
    return {
        "version": 1, "mode": known["Mode"], "health": known["Health"],
        "issues": [document.whole_issue(i) for i in known["Issues"]],
        "incidents": [document.whole_incident(i) for i in known["Incidents"] if "closed" not in i],
        "paused": [], "limits": known["Limits"],
    }


def history(count: int) -> tuple[dict[str, Any], str]:
    """The newest `count` incidents, and a word for standard error about where they come from, or ""."""
    try:
        found = read(DAEMON_HISTORY, count)
    except OSError as error:
        try:
            known = _run(_published_incidents())[:count]
        except HealdError:
            if isinstance(error, FileNotFoundError):
                return {"version": 1, "incidents": []}, f"there is no history yet at {DAEMON_HISTORY}"
            raise
        note = f"{error}; these are the last that the running heald knows. Members of group _heald may read it"
        return {"version": 1, "incidents": known}, note
    return {"version": 1, "incidents": [document.incident(i, 0.0) for i in found]}, ""


async def _published_incidents() -> list[dict[str, Any]]:
    bus = await Bus.connect()
    with closing(bus):
        return [document.whole_incident(i) for i in (await read_published(bus))["Incidents"]]


def _issues(found: Iterable[Issue], numbers: Mapping[tuple[str, str], int]) -> list[document.Document]:
    offset = clock.offset()
    return [document.issue(i, numbers.get(i.key), offset) for i in found]


def _complain(line: str) -> None:
    print(line, file=sys.stderr)


def _silent(_: str) -> None:
    pass
