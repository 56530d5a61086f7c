"""heald in a machine: installing it, making units ill, and waiting for what systemd says of them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from machine.machine import Machine

SOURCE = "/usr/src/heald"
TREES = ("/usr", "/etc", "/var", "/run/dbus", "/opt", "/root", "/home", "/srv")
PASSED_OVER = (f"{SOURCE}*", "/var/log/*", "/var/cache/*", "/var/tmp/*", "/var/lib/apt/*", "/var/lib/dpkg/*",
               "/var/lib/PackageKit/*")


@dataclass(frozen=True)
class Answer:
    """What the helper said: its report, or the name of its D-Bus error, shortened to its last part, and the text."""

    report: dict[str, str] = field(default_factory=dict)
    error: str = ""
    text: str = ""


def make(machine: Machine, *words: str) -> str:
    """Runs make in the checkout, as the person who installs does, and returns what it printed."""
    return machine.run("make", "--no-print-directory", "-C", SOURCE, *words).stdout


def files(machine: Machine) -> set[str]:
    """Every path that an installation could leave something in, but logs, caches, and what apt keeps for itself."""
    but = [word for path in PASSED_OVER for word in ("-not", "-path", path)]
    return set(machine.run("find", *TREES, "-xdev", *but).stdout.splitlines())


def add_unit(machine: Machine, name: str, text: str) -> None:
    """Writes a unit file and has systemd read it."""
    machine.write(f"/etc/systemd/system/{name}", text)
    machine.run("systemctl", "daemon-reload")


def add_service(machine: Machine, name: str, *, start: bool = True, unit: str = "", service: str = "") -> None:
    """A service that stays up until it is killed, with more lines for its sections."""
    add_unit(machine, name, f"[Unit]\n{unit}\n[Service]\nExecStart=/usr/bin/sleep infinity\n{service}\n")
    if start:
        machine.run("systemctl", "start", name)


def kill(machine: Machine, name: str) -> None:
    """Kills a service with SIGKILL and waits until systemd calls it failed."""
    machine.run("systemctl", "kill", "--signal=KILL", name)
    wait_until(lambda: state(machine, name) == "failed", f"{name} is failed")


def state(machine: Machine, name: str, what: str = "ActiveState") -> str:
    """One property of a unit, as systemctl show prints it."""
    return machine.run("systemctl", "show", f"--property={what}", "--value", name).stdout.strip()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Returns as soon as `holds`; fails the test when that takes longer than any busy host needs."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"after {seconds} s it is still not so that {what}"
        time.sleep(0.02)


def heal(machine: Machine, method: str, operation: str, target: str = "", *, user: str = "_heald",
         between: str = "") -> Answer:
    """Asks the helper, as `user`, over the machine's own system bus; a call without interaction."""
    options = [f"--between={between}"] if between else []
    done = machine.run(*call(method, operation, target, *options), user=user)
    return Answer(**json.loads(done.stdout))


def call(method: str, operation: str, target: str, *flags: str) -> tuple[str, ...]:
    """The command that calls the helper and prints its answer as JSON; --agent lets polkit ask at the terminal."""
    return ("/usr/bin/python3", "-I", f"{SOURCE}/tests/machine/call.py", *flags, method, operation, target)
