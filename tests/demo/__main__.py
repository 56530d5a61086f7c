"""`python -m demo [--json]`: exit code 0 only if all three faults were healed."""

import argparse
import contextlib
import json
import subprocess
import sys
from dataclasses import asdict

from demo import faults, private
from demo.stage import CONFIGURATION, Stage, play, say
from demo.story import Incident, Outcome
from machine import product
from machine.machine import CannotBootError, CommandError, Machine


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description="Break three things and watch heald heal them.")
    parser.add_argument("--json", action="store_true", help="print one JSON document, all else on standard error")
    parser.add_argument("--stand-ins", metavar="NAMESPACE", help="what is run where no machine can be booted")
    chosen = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr) if chosen.json else contextlib.nullcontext():
        try:
            outcomes = private.show(chosen.stand_ins) if chosen.stand_ins else in_a_machine()
        except CannotBootError as why:
            say(f"No machine can be booted here: {why}.")
            return subprocess.run(private.command(as_json=chosen.json), check=False).returncode
        except (CommandError, private.CannotShowError) as why:
            say(f"The demo cannot go on: {why}")
            return 1
        healed = sum(outcome.healed for outcome in outcomes)
        say(f"\n{healed} of {len(outcomes)} were healed. This host was not changed.")
    if chosen.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    return 0 if healed == len(outcomes) else 1


def in_a_machine() -> list[Outcome]:
    """Boots, installs, breaks, watches."""
    say("Booting a disposable copy of this machine ...")
    with Machine.boot("heald-demo") as machine:
        say("Installing heald in it ...")
        product.make(machine, "install")
        machine.write("/etc/heald/heald.toml", CONFIGURATION)
        stage = Stage(faults.in_machine(machine), lambda: incidents(machine))
        machine.run("systemctl", "start", "heald.service")
        say(f"heald runs as {product.state(machine, 'heald.service', 'User')}. Three things break, one per category.")
        return play(stage)


def incidents(machine: Machine) -> list[Incident]:
    """All incidents that heald has recorded in a machine."""
    found: list[Incident] = json.loads(machine.run("healctl", "history", "--json").stdout)["incidents"]
    return found


if __name__ == "__main__":
    sys.exit(main())
