"""A bad generation as a person sees it, recorded in docs/generations.md: `PYTHONPATH=tests python -m nix`."""

import sys

from machine import product
from machine.machine import Machine
from nix import closure

GOOD = "[Service]\nExecStart=/usr/bin/sleep infinity\n"
BAD = "[Service]\nExecStart=/bin/sh -c 'sleep 1; echo no such table: basket; exit 3'\n"


def shown(machine: Machine, *command: str) -> None:
    """A command, and what it prints."""
    done = machine.run(*command, check=False)
    sys.stdout.write(f"# {' '.join(command)}\n{done.stdout}{done.stderr}\n")


def main() -> None:
    with Machine.boot() as machine:
        product.make(machine, "install")
        closure.prepare(machine)
        machine.run("sh", "-c", "rm -f /var/log/dpkg.log*")     # what was installed here is not the story
        machine.write("/etc/heald/heald.toml", '[limits]\npacing = ["0s", "2s"]\n')
        machine.run("systemctl", "start", "heald.service")
        closure.switch(machine, closure.build(machine, "24.11.1", {"shop.service": GOOD}))
        shown(machine, "systemctl", "is-active", "shop.service")
        system = closure.build(machine, "24.11.2", {"shop.service": BAD})
        machine.run("nix-env", "-p", closure.PROFILE, "--set", system)
        shown(machine, f"{closure.PROFILE}/bin/switch-to-configuration", "switch")
        product.wait_until(lambda: "asks before" in machine.run("healctl", "status", check=False).stdout, "it asks")
        shown(machine, "healctl", "status")
        shown(machine, "healctl", "why", "1")
        shown(machine, "healctl", "heal", "1")
        shown(machine, "systemctl", "is-active", "shop.service")
        shown(machine, "readlink", closure.PROFILE)
        shown(machine, "cat", f"{closure.MARKS}/known-bad")
        product.wait_until(lambda: "asks before" not in machine.run("healctl", "status", check=False).stdout, "it saw")
        shown(machine, "healctl", "history")


if __name__ == "__main__":
    main()
