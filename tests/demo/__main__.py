"""`python -m demo [--json]`: exit code 0 only if all three faults were healed."""

import argparse
import contextlib
import json
import sys
import time
from datetime import UTC, datetime

from demo.faults import FAULTS, Fault
from demo.story import Incident, Outcome, incidents, seconds_since, told
from machine import product
from machine.machine import CannotBootError, CommandError, Machine

PATIENCE = 180              # seconds for one fault, on a host that may be very busy
CONFIGURATION = """\
[sense]
interval = "5s"             # so that nobody waits for what has no event; the default is 30 s
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description="Break three things and watch heald heal them.")
    parser.add_argument("--json", action="store_true", help="print one JSON document, all else on standard error")
    as_json = parser.parse_args().json
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        try:
            outcomes = show_in_a_machine()
        except CannotBootError as why:
            say(f"No machine can be booted here: {why}")
            return 1
        except CommandError as why:
            say(f"The demo stopped: {why}")
            return 1
    if as_json:
        print(json.dumps([outcome.as_json() for outcome in outcomes], indent=2))
    return 0 if all(outcome.healed for outcome in outcomes) else 1


def show_in_a_machine() -> list[Outcome]:
    """Boots, installs, breaks, watches."""
    say("Booting a disposable copy of this machine ...")
    with Machine.boot("heald-demo") as machine:
        say("Installing heald in it ...")
        product.make(machine, "install")
        machine.write("/etc/heald/heald.toml", CONFIGURATION)
        for fault in FAULTS:
            fault.prepare(machine)
        machine.run("systemctl", "start", "heald.service")
        user = machine.run("systemctl", "show", "--property=User", "--value", "heald.service").stdout.strip()
        say(f"heald runs as {user}; three things are broken now, one per category.")
        outcomes = [show(machine, fault, number) for number, fault in enumerate(FAULTS, 1)]
    healed = sum(outcome.healed for outcome in outcomes)
    say(f"\n{healed} of {len(outcomes)} healed. The machine is gone; this host was not changed.")
    return outcomes


def show(machine: Machine, fault: Fault, number: int) -> Outcome:
    """One fault: made, watched until it is healed or patience ends, told."""
    say(f"\n{number}. {fault.category}: {fault.broken}")
    began = datetime.now(UTC)
    fault.make(machine)
    incident = watch(machine, fault, began)
    if incident is None:
        say("   heald saw nothing")
        return Outcome(fault.category, f"{fault.kind} {fault.subject}", "", healed=False, seconds=None)
    for line in told(incident, began):
        say(f"   {line}")
    healed = incident["outcome"] == "healed" and fault.is_gone(machine)
    if not healed:
        say(f"   NOT HEALED: its outcome is {incident['outcome']}")
    operation = incident["actions"][-1]["operation"] if incident["actions"] else ""
    seconds = seconds_since(began, incident["healed"]) if incident["healed"] else None
    return Outcome(fault.category, f"{fault.kind} {fault.subject}", operation, healed, seconds)


def watch(machine: Machine, fault: Fault, began: datetime) -> Incident | None:
    """The fault's incident as soon as it is healed, or as it is when patience ends; None if there is none."""
    end = time.monotonic() + PATIENCE
    while True:
        mine = [incident for incident in incidents(machine)
                if (incident["kind"], incident["subject"]) == (fault.kind, fault.subject)
                and datetime.fromisoformat(incident["opened"]) >= began.replace(microsecond=0)]
        if (mine and mine[0]["outcome"] == "healed") or time.monotonic() > end:
            return mine[0] if mine else None
        time.sleep(0.2)


def say(line: str) -> None:
    """Progress while it works."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
