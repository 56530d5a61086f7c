"""`python -m bench.history`: what a year of history costs. Prints a table with ratios, writes history.json.

In one machine, the same is measured with the history of a day and with that of a year.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from statistics import median

from bench.contest import HEALD, ROOT
from bench.timing import timed
from machine import product
from machine.machine import CannotBootError, Machine

SPANS = {"day": (137, 1), "year": (50_000, 365)}        # incidents in so many days: a machine in much trouble
FILE = "/var/lib/heald/history.db"
YEARS = f"{product.SOURCE}/tests/bench/years.py"
KILLS = f"{product.SOURCE}/tests/machine/kills.py"
SITE = "/usr/lib/heald/site"
COMMANDS = ("status", "why", "why 100", "history", "rules replay")

Found = dict[str, dict[str, float]]
"""By "day" and "year": what was measured -> milliseconds, or MiB where it says so."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.history", description="Measure what a history costs.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("docs/bench/history.json"))
    chosen = parser.parse_args()
    try:
        with Machine.boot("heald-years") as machine:
            found = measure(machine, chosen.rounds)
    except CannotBootError as why:
        print(f"No machine can be booted here: {why}.")
        return 1
    chosen.out.write_text(json.dumps(found, indent=2) + "\n")
    for what, (day, year) in sorted(compared(found).items()):
        print(f"{what:48}{day:10.2f}{year:10.2f}{year / day:8.2f}")
    return 0


def compared(found: Found) -> dict[str, tuple[float, float]]:
    """Each figure with the history of a day, and with that of a year."""
    return {what: (day, found["year"][what]) for what, day in found["day"].items()}


def measure(machine: Machine, rounds: int) -> Found:
    product.make(machine, "install")
    machine.write("/etc/heald/heald.toml", f"[metrics]\nenable = true\n{HEALD}")
    machine.write("/etc/heald/helper.toml", ROOT)
    product.add_service(machine, "killed.service", unit="StartLimitIntervalSec=0")
    return {name: _with(machine, *span, rounds) for name, span in SPANS.items()}


def _with(machine: Machine, count: int, days: int, rounds: int) -> dict[str, float]:
    """All figures with so many incidents of so many days in the history."""
    print(f"{count} incidents ...", file=sys.stderr)
    machine.run("systemctl", "stop", "heald.service")
    machine.run("sh", "-c", f"rm -rf {FILE}* /tmp/times; mkdir -p /var/lib/heald")
    _python(machine, YEARS, "fill", FILE, str(count), str(days))
    machine.run("sh", "-c", f"mkdir -p /tmp/times && cp {FILE} /tmp/times/history.db")
    machine.run("chown", "-R", "_heald:_heald", "/var/lib/heald")
    found = {"file, MiB": int(machine.run("stat", "--format=%s", FILE).stdout) / (1 << 20)}
    found |= json.loads(_python(machine, YEARS, "times", "/tmp/times/history.db", str(rounds)))
    found["systemctl start heald"] = timed(partial(machine.run, "systemctl", "start", "heald.service"), 1)
    metrics = ("curl", "--silent", "http://127.0.0.1:9753/metrics")
    product.wait_until(lambda: "heald_build_info" in machine.run(*metrics, check=False).stdout, "metrics are served")
    pid = product.state(machine, "heald.service", "MainPID")
    for words in COMMANDS:
        found[f"healctl {words}"] = timed(partial(machine.run, "healctl", *words.split(), check=False), rounds)
    kills = machine.run("/usr/bin/python3", "-I", KILLS, "killed.service", str(rounds), timeout=400).stdout.split()
    found["from SIGKILL to running again"] = median(map(float, kills))
    memory = machine.run("grep", "^Pss:", f"/proc/{pid}/smaps_rollup").stdout.split()[1]
    return found | {"the daemon's memory (PSS), MiB": int(memory) / 1024}


def _python(machine: Machine, *words: str) -> str:
    return machine.run("/usr/bin/env", f"PYTHONPATH={SITE}:{product.SOURCE}/tests", "/usr/bin/python3", *words,
                       timeout=600).stdout


if __name__ == "__main__":
    sys.exit(main())
