"""Writes what `make bench` found into README.md and docs/performance.md.

`PYTHONPATH=tests:controller python tests/bench_table.py`, after `make bench`.

Ratios are what holds on another machine; the milliseconds are those of the one that measured.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import generated
from bench.told import BASE, NAMES, STARTS, WATCHED

ROOT = Path(__file__).resolve().parents[1]
FOUND = ROOT / "bench.json"
FILES = {name: ROOT / name for name in ("README.md", "docs/performance.md")}

Rows = Iterator[tuple[str, ...]]


def begin(table: str) -> str:
    """The line after which a table stands."""
    return f"<!-- {table}, from tests/bench_table.py -->\n"


def repairs(found: dict[str, Any]) -> Rows:
    for who, ms in found["repair_ms"].items():
        yield NAMES[who], f"{ms / found['repair_ms'][BASE]:.1f}", f"{ms:.0f} ms"


def hops(found: dict[str, Any]) -> Rows:
    for hop, warm in found["hops_ms"]["warm"].items():
        yield hop, f"{warm:.1f}", f"{found['hops_ms']['cold'][hop]:.1f}"


def idle(found: dict[str, Any]) -> Rows:
    for key, what in WATCHED.items():
        for unit, of in found["watched"][key].items():
            yield (what, unit, f"{of['cpu_percent']:.3f} %", f"{of['wakes_per_second']:.2f}",
                   f"{of['pss_mib']:.1f} MiB")


def looks(found: dict[str, Any]) -> Rows:
    yield "one look at everything", f"{found['detect_cpu_ms']:.1f} ms of CPU"
    yield "the thresholds alone, over a reading", f"{found['thresholds_us']:.0f} µs"
    for key, name in STARTS.items():
        yield name if key == "helper" else f"`{name}`", f"{found['start_ms'][key]:.0f} ms"


def failures(found: dict[str, Any]) -> Rows:
    for of in found["scale"]:
        yield (f"{of['failures']}", f"{of['seen']}", f"{of['seconds']:.0f} s", f"{of['cpu_ms_per_failure']:.0f} ms",
               f"{of['pss_mib']:.1f} MiB")


TABLES = {
    "repair times": (("who repairs", f"times {NAMES[BASE]}", "here"), repairs),
    "hops": (("after the kill", "warm, ms", "cold, ms"), hops),
    "idle": (("when", "what", "of one core", "wake-ups a second", "memory (PSS)"), idle),
    "looks": (("what", "takes"), looks),
    "failures": (("fail at once", "heald saw", "all run again in", "heald's CPU for each", "memory (PSS)"), failures),
}


def written(text: str, found: dict[str, Any]) -> str:
    """The document with the tables that it has a place for, as they are now."""
    for name, (head, rows) in TABLES.items():
        if begin(name) in text:
            text = generated.put(text, begin(name), head, rows(found))
    return text


if __name__ == "__main__":
    for file in FILES.values():
        file.write_text(written(file.read_text(), json.loads(FOUND.read_text())))
