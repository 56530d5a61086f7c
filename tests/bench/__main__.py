"""`python -m bench`: prints a table with ratios; writes bench.json and repairs.svg."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench import contest, hops, picture
from bench.rounds import CONTESTANTS
from machine import product
from machine.machine import CannotBootError, Machine

BASE = "systemd RestartSec=0"
FAILURES = (10, 50, 200)
LOADED, AT_ONCE = 10_000, 500       # units that are well, and how many systemctl is told to start in one go


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure heald beside systemd and monit.")
    parser.add_argument("--rounds", type=int, default=20, help="kills of each contestant that count")
    parser.add_argument("--seconds", type=int, default=60, help="how long is watched while nothing happens")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    chosen = parser.parse_args()
    try:
        found = measure(chosen.rounds, chosen.seconds)
    except CannotBootError as why:
        print(f"No machine can be booted here: {why}.")
        return 1
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    title = f"From SIGKILL to a new main process, median of {chosen.rounds}"
    (chosen.out / "repairs.svg").write_text(picture.bars(found["repairs_ms"], title))
    print("\n".join(table(found)))
    return 0


def measure(rounds: int, seconds: int) -> dict[str, Any]:
    """All of it, in one machine."""
    with Machine.boot("heald-bench") as machine:
        print("Installing heald and setting up the contestants ...", file=sys.stderr)
        product.make(machine, "install")
        contest.set_up(machine)
        print(f"{rounds} rounds of {len(CONTESTANTS)} kills ...", file=sys.stderr)
        hops.watch(machine)
        repairs = contest.hold(machine, rounds)
        messages = hops.seen(machine)
        found: dict[str, Any] = {"rounds": rounds, "repairs_ms": contest.medians(repairs)}
        for helper in ("warm", "cold"):
            kills = [repair.at for repair in repairs if repair.who == f"heald, {helper} helper"]
            found[f"hops_{helper}_ms"] = hops.breakdown(messages, kills)
        print(f"Watching for 2 x {seconds} s while nothing happens ...", file=sys.stderr)
        product.add_service(machine, "churn.service", start=False)
        machine.run("systemctl", "stop", "heald-helper.service")
        found["idle"] = inside(machine, "idle", seconds)
        found["beside_churn"] = inside(machine, "idle", seconds, "churn")
        found["looks"] = inside(machine, "looks", 200)
        found["starts_ms"] = inside(machine, "starts", 20)
        print("Having many fail at once ...", file=sys.stderr)
        product.add_unit(machine, "many@.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
        found["failures"] = {str(count): inside(machine, "failures", count) for count in FAILURES}
        print(f"Watching beside {LOADED} units for {seconds} s ...", file=sys.stderr)
        product.add_unit(machine, "calm@.target", "[Unit]\n")
        for first in range(0, LOADED, AT_ONCE):
            machine.run("systemctl", "start", *(f"calm@{n}.target" for n in range(first, first + AT_ONCE)))
        machine.run("systemctl", "stop", "heald-helper.service")
        found["beside_many"] = inside(machine, "idle", seconds)
        return found


def inside(machine: Machine, *words: object) -> dict[str, Any]:
    shown = machine.run("/usr/bin/python3", f"{contest.INSIDE}/inside.py", *map(str, words), timeout=900).stdout
    found: dict[str, Any] = json.loads(shown)
    return found


def table(found: dict[str, Any]) -> list[str]:
    """For people: each figure, and beside those of one kind its ratio."""
    repairs = found["repairs_ms"]
    lines = [f"From SIGKILL to a new main process, median of {found['rounds']}, and times {BASE}:"]
    lines += [f"  {who:24}{ms:8.1f} ms {ms / repairs[BASE]:8.2f}" for who, ms in repairs.items()]
    for helper in ("warm", "cold"):
        lines += [f"Where it goes with a {helper} helper, ms after the kill:"]
        lines += [f"  {ms:8.1f}  {hop}" for hop, ms in found[f"hops_{helper}_ms"].items()]
    watched = {"idle": "While nothing happens", "beside_churn": "Beside 200 unit starts and stops a minute",
               "beside_many": f"Beside {LOADED} units that are well"}
    for name, what in watched.items():
        lines += [f"{what}:"]
        lines += [f"  {unit:24}{of['cpu_percent']:8.3f} % CPU {of['wakes_per_second']:8.2f} wakes/s "
                  f"{of['pss_mib']:6.1f} MiB PSS {of['rss_mib']:6.1f} MiB RSS" for unit, of in found[name].items()]
    looks = found["looks"]
    lines.append(f"One look at everything: {looks['pass_cpu_ms']:.2f} ms of CPU, {looks['pass_ms']:.2f} ms")
    lines.append(f"The thresholds alone: {looks['thresholds_us']:.0f} µs")
    lines.append("From exec to exit:")
    lines += [f"  {ms:8.1f} ms  {name}" for name, ms in found["starts_ms"].items()]
    lines.append("So many fail at once, the storm's 30 s of patience included:")
    return lines + [f"  {count:>4} run again after {of['seconds']:5.1f} s, {of['cpu_ms_each']:5.1f} ms of heald's CPU "
                    f"each, {of['pss_mib']:5.1f} MiB PSS" for count, of in found["failures"].items()]


if __name__ == "__main__":
    sys.exit(main())
