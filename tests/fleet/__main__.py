"""`python -m fleet`: simulated machines before the real Prometheus; prints figures, and writes fleet.json."""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from fleet.measured import measure
from fleet.simulated import Push

PUSHES = ((0, 45), (60, 45), (300, 45), (600, 45), (0, 15), (60, 15), (300, 15))
"""Seconds from the first machine to the last, and `settle`."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fleet-bench", description="Simulate bad pushes to a fleet.")
    parser.add_argument("--machines", type=int, default=1000)
    parser.add_argument("--scrape", type=float, default=15, help="seconds between two scrapes, and two evaluations")
    parser.add_argument("--out", type=Path, default=Path("docs/fleet"))
    chosen = parser.parse_args()
    pushes = [Push(lasts, settle) for lasts, settle in PUSHES]
    print(f"{len(pushes)} pushes to {chosen.machines} machines ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="heald-fleet-") as folder:
        found = measure(Path(folder), chosen.machines, chosen.scrape, pushes)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "fleet.json").write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(table(found)))
    return 0


def table(found: dict[str, Any]) -> list[str]:
    """For people."""
    scraped = f"{found['machines']} machines, scraped every {found['scrape_s']:g} s"
    lines = [f"{scraped}: {found['series']} series, Prometheus has {found['prometheus_mib']} MiB"]
    for name, what in (("rules_ms", "all rules once"), ("question_ms", "a machine's question")):
        of = found[name]
        lines.append(f"  {of['median']:8.1f} ms median, {of['max']:8.1f} ms at most: {what}")
    lines += [f"  {found['questions']} questions answered, {found['questions_lost']} not", "A bad push:"]
    return lines + [f"  over {of['lasts_s']:4g} s, settle {of['settle_s']:3g} s: {of['acted']:5} acted, {of['held']:5} "
                    f"stood back, told {of['told_times']} times, after {of['told_s']} s" for of in found["pushes"]]


if __name__ == "__main__":
    sys.exit(main())
