"""One machine with a desktop, and an administrator at its screen, for each file."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from desktop.screen import AGENT, SERVICE, AtScreen, at_screen
from machine import product
from machine.machine import CannotBootError, Machine

TOOLS = ("Xvfb", "xauth", "openbox", "xdotool", "scrot", AGENT)
CONFIGURATION = """\
[sense]
interval = "2s"
[limits]
incidents_per_hour = 1000
pacing = ["0s", "1s", "10m"]
[[rule]]
name = "asks"
kind = "unit-failed"
subject = "asked*.service"
mode = "ask"
ladder = ["service/start"]
"""


@contextmanager
def prepared(configuration: str) -> Iterator[Machine]:
    """A machine in which heald is installed, runs, and starts with every desktop. Raises CannotBootError."""
    with Machine.boot() as machine:
        product.make(machine, "install")
        machine.write("/etc/heald/heald.toml", configuration)
        machine.run("systemctl", "start", "heald.service")
        machine.run("systemctl", "--global", "enable", "--quiet", SERVICE)
        machine.run("sed", "-i", "s/pam_unix.so nullok/& nodelay/", "/etc/pam.d/common-auth")
        yield machine


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """heald asks about units called asked*."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"no desktop without {', '.join(missing)}; make test-all installs them")
    try:
        with prepared(CONFIGURATION) as machine:
            yield machine
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")


@pytest.fixture(scope="module")
def alice(machine: Machine) -> AtScreen:
    """An administrator at the screen."""
    alice = at_screen(machine, "alice", 1500, administrator=True, display=7)
    alice.sits_down()
    return alice
