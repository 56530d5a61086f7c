"""Machines for the tests of this level: one for each file, booted when the first test asks for it."""

from collections.abc import Iterator

import pytest

from machine import product
from machine.machine import CannotBootError, Machine


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A file that says BOTH_MODES is run twice: with the helper as uid 0, and as a user of its own."""
    if "mode" in metafunc.fixturenames and getattr(metafunc.module, "BOTH_MODES", False):
        metafunc.parametrize("mode", ["", "OWN_USER=1"], ids=["uid-0", "own-user"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def mode(request: pytest.FixtureRequest) -> str:
    """What make is told besides: who the helper is."""
    return str(getattr(request, "param", ""))


@pytest.fixture(scope="module")
def bare(mode: str) -> Iterator[Machine]:
    """A booted machine without heald."""
    try:
        with Machine.boot() as machine:
            yield machine
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")


@pytest.fixture(scope="module")
def machine(bare: Machine, mode: str) -> Machine:
    """A booted machine in which `make install` was run; heald.service is not started."""
    product.make(bare, "install", *mode.split())
    return bare


@pytest.fixture
def clean(machine: Machine) -> None:
    """No daemon, no configuration, no helper, nothing failed."""
    machine.run("systemctl", "unmask", "--quiet", "heald-helper.service")
    machine.run("systemctl", "stop", "heald.service", "heald-helper.service")
    machine.run("rm", "-rf", "/etc/heald", "/root/.local/state/heald", "/var/lib/heald/history.db")
    machine.run("systemctl", "reset-failed")
    machine.run("chmod", "1777", "/tmp")
