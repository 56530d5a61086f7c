"""What the commands do: one look, one look and repair, the past. Each gives plain data."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from glob import escape
from typing import Any

from heald import clock, config, detector, document, paths
from heald.bus.connection import Bus
from heald.bus.controller1 import read_published
from heald.bus.login1 import Login
from heald.bus.systemd import Manager
from heald.engine import ALL, Engine, Manner
from heald.errors import INTERRUPTED, REFUSED, Code, HealdError
from heald.executor import DryRun
from heald.face.agent import password_agent
from heald.face.consent import Consent
from heald.face.known import published, remaining, run
from heald.face.progress import Patient
from heald.history import History
from heald.model import Attempt, Incident, Issue, Mode, Result, Severity
from heald.past import read
from heald.retention import Retention
from heald.senses import SystemSenses
from heald.sensors.probes import Prober
from heald.settings import Rule, Settings


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass found or did: the JSON document, and the exit code of its command."""

    document: Mapping[str, Any]
    exit_code: int


def check() -> Pass:
    """One look at everything; HealdError when systemd cannot be asked."""
    return run(_check())


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


def heal(number: str, *, dry_run: bool, yes: bool, quiet: bool) -> Pass:
    """One look and repair, as the person who asks: of one incident of the daemon's, whose number is their yes, or with
    "" of everything. `quiet`: nothing is said on standard error while it works."""
    return run(heal_now(number, dry_run=dry_run, yes=yes or bool(number), quiet=quiet))


async def heal_now(number: str, *, dry_run: bool = False, yes: bool = True, quiet: bool = False) -> Pass:
    """The same in a loop that runs."""
    asks = not yes and not dry_run and sys.stdin.isatty()
    bus = await Bus.connect()
    with closing(bus), password_agent(wanted=not dry_run):
        settings = _as_asked(config.load(), present=asks or yes or dry_run, each=asks or bool(number) or dry_run)
        known = await _published(bus, needed=bool(number))
        only = None
        if number:
            kind, subject, asked = _incident(known, number)
            only = kind, subject
            settings = replace(settings, rules=tuple(_narrowed(settings.rules, *only, asked)))
        paused = {one["subject"]: one["until"] for one in known["Paused"]}
        patient = Patient(bus, shows=sys.stderr.isatty() and not quiet)
        consent = Consent(DryRun() if dry_run else patient, asks=asks)
        history = History(paths.own_state() / "history.db", _complain)
        now = clock.boottime()
        history.save(replace(i, closed=now, next=None) for i in history.known.values() if i.closed is None)
        before = max(history.known, default=0)
        reasons: dict[float, str] = {}

        def changed(one: Incident) -> None:
            if one.attempts:
                reasons.setdefault(one.attempts[-1].started, one.reason)

        login = Login(bus, lambda: None)
        await login.start()
        engine = Engine(
            SystemSenses(Manager(bus), login, prober=_prober(settings), paused=lambda: paused), consent, history,
            settings, say=_silent if quiet or number else _complain, changed=changed,
            manner=Manner(paced=False, at_once=True, jitter=0.0),
        )
        try:
            await _one_pass(engine, patient)
            Retention(history, lambda: settings.history, lambda: False).step()
        finally:
            history.close()
    mine = [i for i in history.known.values() if i.id > before and only in {None, i.key}]
    if number:
        mine = [replace(i, id=int(number)) for i in mine]       # as the daemon calls it
    issues = _issues([i for i in engine.issues if only in {None, i.key}], engine.numbers | {i.key: i.id for i in mine})
    offset = clock.offset()
    if dry_run:
        mine = [replace(i, attempts=tuple(_explained(a, reasons) for a in i.attempts)) for i in mine]
    done = [document.incident(i, offset) for i in mine]
    code = INTERRUPTED if consent.left or patient.left else _exit_code(mine, issues)
    return Pass({"version": 1, "issues": issues, "incidents": done}, code)


async def _published(bus: Bus, *, needed: bool) -> dict[str, Any]:
    """What the daemon publishes; where it is not `needed` and no daemon runs, that nothing is known."""
    try:
        return await read_published(bus)
    except HealdError:
        if needed:
            raise
        return {"Paused": [], "Incidents": []}


def _incident(known: Mapping[str, Any], number: str) -> tuple[str, str, str]:
    """Kind and subject of an open incident of the daemon's, and the operation that it asks for.

    HealdError(INVALID_ARGS) when there is none.
    """
    for one in known["Incidents"]:
        if one["id"] == number and "closed" not in one:
            asked = one["next"]["operation"] if one["outcome"] == "asked" and one.get("next") else ""
            return one["kind"], one["subject"], asked
    raise HealdError(Code.INVALID_ARGS, f"there is no open incident {number!r}; `healctl status` shows which there are")


def _narrowed(rules: Iterable[Rule], kind: str, subject: str, asked: str) -> Iterator[Rule]:
    """The rules that can match one issue, and match no other; where something is asked for, that comes first."""
    for rule in rules:
        if rule.matches(kind, subject, Severity.CRITICAL):
            names = [rung.name for rung in rule.ladder]
            first = names.index(asked) if asked in names else 0
            yield replace(rule, kind=escape(kind), subject=escape(subject), ladder=rule.ladder[first:])


def _explained(attempt: Attempt, reasons: Mapping[float, str]) -> Attempt:
    """A rehearsed attempt with why it would be made."""
    return replace(attempt, result=Result("would", reasons.get(attempt.started, "")))


async def _one_pass(engine: Engine, patient: Patient) -> None:
    """Look, repair what is wrong rung by rung, and watch what was repaired for as long as its rule settles."""
    watched: set[tuple[int, int]] = set()
    while not patient.left:
        await engine.cycle()
        healed = {(i.id, len(i.attempts)): i for i in engine.open.values() if i.outcome == "healed"}
        if engine.busy:
            await engine.finish()
        elif fresh := healed.keys() - watched:
            watched |= fresh
            rules = [engine.settings.rule(i.kind, i.subject, i.severity) for i in map(healed.__getitem__, fresh)]
            await patient.watch([i.subject for i in map(healed.__getitem__, fresh)], max(rule.settle for rule in rules))
        else:
            return


def _prober(settings: Settings) -> Prober:
    """For one look: asked whenever it is read."""
    return Prober(settings.probes, lambda: None, _complain)


def _as_asked(settings: Settings, *, present: bool, each: bool) -> Settings:
    """The cap on the rules is the daemon's. Where a person is present, they are the one whom a rule would ask; a rung
    that asks for itself is for who says yes to `each`, not to all."""
    rules = [replace(r, mode=Mode.AUTO) if present and r.mode is Mode.ASK else r for r in settings.rules]
    if each:
        rules = [replace(r, ladder=tuple(replace(rung, mode=Mode.AUTO) for rung in r.ladder)) for r in rules]
    return replace(settings, mode=Mode.AUTO, rules=tuple(rules))


def _exit_code(mine: Iterable[Incident], issues: list[document.Document]) -> int:
    last = [i.attempts[-1].result for i in mine if i.attempts and i.well is None]
    states = {r.state for r in last if r is not None}
    if states & {Code.UNREACHABLE, Code.TIMEOUT}:
        return 4
    return 3 if states & REFUSED else remaining(issues)


def history(count: int) -> tuple[dict[str, Any], str]:
    """The newest `count` incidents, and a word for standard error about where they come from, or ""."""
    try:
        found = read(paths.DAEMON_HISTORY, count)
    except OSError as error:
        try:
            known = [document.whole_incident(i) for i in run(published())["Incidents"]][:count]
        except HealdError as why:
            if isinstance(error, FileNotFoundError):
                return {"version": 1, "incidents": []}, f"there is no history yet at {paths.DAEMON_HISTORY}"
            raise HealdError(why.code, f"{error}; {why}") from None
        note = f"{error}; these are the last that the running heald knows. Members of group _heald may read it"
        return {"version": 1, "incidents": known}, note
    return {"version": 1, "incidents": [document.incident(i, 0.0) for i in found]}, ""


def _issues(found: Iterable[Issue], numbers: Mapping[tuple[str, str], int]) -> list[document.Document]:
    offset = clock.offset()
    return [document.issue(i, numbers.get(i.key), offset) for i in found]


def _complain(line: str) -> None:
    print(line, file=sys.stderr)


def _silent(_: str) -> None:
    pass
