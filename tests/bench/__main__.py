"""`python -m bench`: prints tables with ratios; writes bench.json and docs/bench/repairs.svg.

`--short` takes a minute, writes nothing, and fails where a ratio is far from what it was: noise is real.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench import contest, hops, picture
from bench.told import MARGINS, NAMES, table
from machine import product
from machine.machine import CannotBootError, Machine

FAILURES = (10, 50, 200)
LOADED, AT_ONCE = 10_000, 500       # units that are well, and how many systemctl is told to start in one go
HOPS = 10                           # kills that are watched on the bus: to watch costs time, so they count for no more


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure heald beside systemd and monit.")
    parser.add_argument("--rounds", type=int, default=20, help="kills of each contestant that count")
    parser.add_argument("--seconds", type=int, default=60, help="how long is watched while nothing happens")
    parser.add_argument("--short", action="store_true", help="5 rounds, 5 s; fails on ratios, writes nothing")
    parser.add_argument("--out", type=Path, default=Path())
    chosen = parser.parse_args()
    try:
        found = measure(5, 5, short=True) if chosen.short else measure(chosen.rounds, chosen.seconds, short=False)
    except CannotBootError as why:
        print(f"No machine can be booted here: {why}.")
        return 1
    print("\n".join(table(found)))
    if chosen.short:
        return beyond(found["repair_ms"])
    pictures = chosen.out / "docs/bench"
    pictures.mkdir(parents=True, exist_ok=True)
    (chosen.out / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    bars = {NAMES[who]: ms for who, ms in found["repair_ms"].items()}
    title = f"From SIGKILL to a new main process, median of {chosen.rounds}"
    (pictures / "repairs.svg").write_text(picture.bars(bars, title))
    return 0


def beyond(repairs: dict[str, float]) -> int:
    """How many ratios are beyond their margin; each is told."""
    far = [f"{NAMES[who]} took {repairs[who] / repairs[base]:.1f} times as long as {NAMES[base]}, more than {most}"
           for who, base, most in MARGINS if repairs[who] > most * repairs[base]]
    print(*far, sep="\n")
    return len(far)


def measure(rounds: int, seconds: int, *, short: bool) -> dict[str, Any]:
    """All of it, in one machine; the short form is without thousands of units."""
    with Machine.boot("heald-bench") as machine:
        say("Installing heald and setting up the contestants ...")
        product.make(machine, "install")
        contest.set_up(machine)
        found: dict[str, Any] = {"rounds": rounds, "seconds": seconds}
        say(f"Watching for {seconds} s each while nothing happens ...")
        watched = {"quiet": inside(machine, "idle", seconds)}
        product.add_service(machine, "churn.service", start=False)
        watched["churn"] = inside(machine, "idle", seconds, "churn")
        if not short:
            watched["many"] = beside_many(machine, seconds)
        found |= inside(machine, "looks", 200)
        found["start_ms"] = inside(machine, "starts", 20)
        say(f"{rounds} rounds of {len(NAMES)} kills ...")
        found["repair_ms"] = contest.medians(contest.hold(machine, rounds))
        found["hops_ms"] = watch_hops(machine, min(rounds, HOPS))
        about = inside(machine, "about")
        found["machine"] = about["machine"]
        found["idle"] = idle(watched) | {"helper_pss_mib": about["helper_pss_mib"]}
        found["watched"] = watched
        if not short:
            say("Having many fail at once ...")
            product.add_unit(machine, "many@.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
            found["scale"] = [inside(machine, "failures", count) for count in FAILURES]
        return found


def beside_many(machine: Machine, seconds: int) -> dict[str, Any]:
    """What watching costs beside thousands of units that are well."""
    product.add_unit(machine, "calm@.target", "[Unit]\n")
    loaded = [f"calm@{n}.target" for n in range(LOADED)]
    for first in range(0, LOADED, AT_ONCE):
        machine.run("systemctl", "start", *loaded[first:first + AT_ONCE])
    found = inside(machine, "idle", seconds)
    machine.run("systemctl", "stop", *loaded)
    return found


def watch_hops(machine: Machine, rounds: int) -> dict[str, dict[str, float]]:
    """Where the time goes, warm and cold: kills of their own, since to watch every message costs the bus time."""
    hops.watch(machine)
    repairs = contest.hold(machine, rounds, "heald_warm", "heald_cold")
    messages = hops.seen(machine)
    return {who.removeprefix("heald_"): hops.breakdown(messages, [repair.at for repair in repairs if repair.who == who])
            for who in ("heald_warm", "heald_cold")}


def idle(watched: dict[str, dict[str, Any]]) -> dict[str, float]:
    """What watching costs, in short."""
    quiet, heald, monit = watched["quiet"], "heald.service", "bench-monit.service"
    return {
        "cpu_percent": quiet[heald]["cpu_percent"], "busy_cpu_percent": watched["churn"][heald]["cpu_percent"],
        "wakeups_per_s": quiet[heald]["wakes_per_second"], "controller_pss_mib": quiet[heald]["pss_mib"],
        "monit_pss_mib": quiet[monit]["pss_mib"],
    }


def inside(machine: Machine, *words: object) -> dict[str, Any]:
    shown = machine.run("/usr/bin/env", f"PYTHONPATH={product.SOURCE}/tests", "/usr/bin/python3", "-m", "bench.inside",
                        *map(str, words), timeout=900).stdout
    found: dict[str, Any] = json.loads(shown)
    return found


def say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
