"""TOML files into Settings. Every mistake is one line: file, dotted key, what was wrong, what to write instead."""

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from heald import copies, fleet, keeping, levels, listen, quantities
from heald.kinds import TABLE as KINDS
from heald.mistakes import MistakeError, without
from heald.model import Mode, Severity
from heald.probes import WAYS, Probe, address, unit
from heald.settings import BUILT_IN, Limits, Rule, Rung, Settings
from heald.thresholds import Thresholds
from heald.written import count, shown

DEFAULT = Path("/etc/heald/heald.toml")
YEAR = 366 * 86400.0

Read = Callable[[object], Any]
"""Turns one TOML value into its setting; ValueError says what would have been right."""


def load(path: Path = DEFAULT, left_out: Iterable[MistakeError] = ()) -> Settings:
    """The file at `path` and, in the order of their names, the *.toml of the folder `path`.d, over the built-in values.

    A later file replaces single values; rules are taken in the order in which they are read, before the built-in ones.
    A file that is absent is none. MistakeError at the first; what those `left_out` are about counts as not written.
    """
    settings, asks = Settings(), path
    own = {rule.name: rule for rule in BUILT_IN}
    for file in files(path):
        keys = [mistake.key for mistake in left_out if mistake.file == str(file)]
        document = {} if "" in keys else without(_document(file), keys)
        settings = _merge(settings, document, file)
        asks = file if "prometheus" in document.get("fleet", {}) else asks
        probes = tuple(_probes(document.get("probe", []), file))
        settings = replace(settings, probes=(*settings.probes, *probes))
        for at, rule in _rules(document.get("rule", []), file):
            if rule.name in own:
                where = own[rule.name].source
                taken = "built-in rule" if where == "built-in" else f"rule in {where}"
                raise _wrong(file, f"{at}.name", f'"{rule.name}" is taken by a {taken}')
            own[rule.name] = rule
    if settings.fleet.prometheus and not settings.metrics.enable:
        raise _wrong(asks, "fleet.prometheus", "needs [metrics] enable = true: no machine sees this one's issues")
    users = [rule for rule in own.values() if rule not in BUILT_IN]
    return replace(settings, rules=(*users, *BUILT_IN))


def files(path: Path) -> list[Path]:
    """All that load() reads. A folder that may not be read is a mistake: it may hold the cap on all rules."""
    folder = path.with_name(path.name + ".d")
    try:
        return [path, *(folder / name for name in sorted(os.listdir(folder)) if name.endswith(".toml"))]
    except FileNotFoundError:
        return [path]
    except OSError as error:
        raise _wrong(folder, "", f"cannot be read: {error.strerror}") from None


def _document(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise _wrong(file, "", str(error)) from None
    except (OSError, ValueError, RecursionError) as error:      # no UTF-8, or a number of thousands of digits
        raise _wrong(file, "", f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _wrong(file: Path, key: str, text: str) -> MistakeError:
    return MistakeError(str(file), key, text)


def _merge(settings: Settings, document: Mapping[str, object], file: Path) -> Settings:
    tables = dict.fromkeys(
        ("sense", "thresholds", "limits", "rule", "probe", "metrics", "backup", "history", "fleet"), _as_is)
    top = _table(document, {"mode": _mode, **tables}, file)
    sense = _table(top.get("sense", {}), {"interval": _interval}, file, "sense")
    counts = {"incidents_per_hour": count, "rollbacks_per_day": count, "pacing": _pacing}
    limits = _table(top.get("limits", {}), counts, file, "limits")
    return replace(
        settings,
        mode=top.get("mode", settings.mode),
        interval=sense.get("interval", settings.interval),
        thresholds=_thresholds(settings.thresholds, top.get("thresholds", {}), file),
        limits=_limits(settings.limits, limits),
        metrics=replace(settings.metrics, **_table(top.get("metrics", {}), listen.KEYS, file, "metrics")),
        backup=replace(settings.backup, **_table(top.get("backup", {}), copies.KEYS, file, "backup")),
        history=replace(settings.history, **_table(top.get("history", {}), keeping.KEYS, file, "history")),
        fleet=replace(settings.fleet, **_table(top.get("fleet", {}), fleet.KEYS, file, "fleet")),
    )


def _limits(limits: Limits, given: dict[str, Any]) -> Limits:
    changed = replace(limits, **given)
    return replace(changed, kept_for_new=min(Limits().kept_for_new, changed.incidents_per_hour))


def _thresholds(old: Thresholds, given: object, file: Path) -> Thresholds:
    changed: dict[str, Any] = {}
    for kind, value in _table(given, dict.fromkeys(levels.KEYS, _as_is), file, "thresholds").items():
        keys = levels.KEYS[kind]
        table = value if isinstance(value, dict) else {next(iter(keys)): value}     # a bare number is the first value
        found = _table(table, {key: read for key, (_, read) in keys.items()}, file, f"thresholds.{kind}")
        changed |= {keys[key][0]: number for key, number in found.items()}
    return replace(old, **changed)


def _rules(given: object, file: Path) -> Iterable[tuple[str, Rule]]:
    known: dict[str, Read] = {
        "name": _text, "kind": _kind, "subject": _text, "severity": _severity, "for": _span, "mode": _mode,
        "settle": _span, "ladder": _ladder,
    }
    for where, found in _array(given, "rule", known, ("name", "kind"), file):
        found["wait"] = found.pop("for", None)
        yield where, Rule(**found, source=str(file))


def _probes(given: object, file: Path) -> Iterable[Probe]:
    known: dict[str, Read] = {"unit": unit, "every": _interval, "timeout": _interval}
    known |= {way: partial(address, way) for way in WAYS}
    for where, found in _array(given, "probe", known, ("unit",), file):
        ways = [way for way in WAYS if way in found]
        if len(ways) != 1:
            raise _wrong(file, where, f"needs one of {', '.join(WAYS)}, not {' and '.join(ways) or 'none'}")
        [way] = ways
        yield Probe(way=way, address=found.pop(way), **found)


def _array(given: object, name: str, known: Mapping[str, Read], needed: Iterable[str],
           file: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    """The tables of one [[array]], each with its dotted key."""
    if not isinstance(given, list):
        raise _wrong(file, name, f"a {name} begins with [[{name}]]")
    for number, table in enumerate(given, 1):
        where = f"{name}[{number}]"
        if table is None:           # left out
            continue
        found = _table(table, known, file, where)
        for key in needed:
            if key not in found:
                raise _wrong(file, f"{where}.{key}", "is missing")
        yield where, found


def _table(given: object, known: Mapping[str, Read], file: Path, prefix: str = "") -> dict[str, Any]:
    """The values of one TOML table, each through its reader."""
    if not isinstance(given, dict):
        raise _wrong(file, prefix, f"must be a table, not {shown(given)}")
    found = {}
    for key, value in given.items():
        dotted = f"{prefix}.{key}" if prefix else key
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"
            raise _wrong(file, dotted, f"unknown key; {hint}")
        try:
            found[key] = known[key](value)
        except ValueError as error:
            raise _wrong(file, dotted, str(error)) from None
    return found


def _as_is(value: object) -> object:
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a text, not {shown(value) or 'empty'}")
    return value


def _kind(value: object) -> str:
    text = _text(value)
    if not any(c in text for c in "*?[") and text not in KINDS:
        near = get_close_matches(text, KINDS, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(KINDS)}"
        raise ValueError(f'"{text}" is no kind of issue; {hint}')
    return text


def _one_of(words: Iterable[str], value: object) -> str:
    if value not in (known := list(words)):
        raise ValueError(f"{shown(value)} is not one of {', '.join(known)}")
    return str(value)


def _mode(value: object) -> Mode:
    return Mode[_one_of((m.label for m in Mode), value).upper()]


def _severity(value: object) -> Severity:
    return Severity[_one_of((s.label for s in Severity), value).upper()]


def _span(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError(f'must be a time span such as "30s", not {shown(value)}')
    if (span := quantities.seconds(value)) > YEAR:
        raise ValueError(f'"{value}" is more than a year')
    return span


def _interval(value: object) -> float:
    if (span := _span(value)) < 1:
        raise ValueError(f'"{value}" is less than a second')
    return span


def _pacing(value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f'must be a list of time spans such as ["0s", "30s"], not {shown(value)}')
    return tuple(_span(part) for part in value)


def _ladder(value: object) -> tuple[Rung, ...]:
    if not isinstance(value, list):
        raise ValueError(f'must be a list such as ["service/start"], not {shown(value)}')
    return tuple(_rung(part) for part in value)


def _rung(value: object) -> Rung:
    if isinstance(value, dict) and set(value) <= {"do", "target"} and all(isinstance(v, str) for v in value.values()):
        return Rung.parse(value.get("do", ""), value.get("target"))
    if isinstance(value, str):
        return Rung.parse(value)
    raise ValueError(f'{shown(value)} is no rung; write "service/start" or {{ do = "system/run", target = "NAME" }}')
