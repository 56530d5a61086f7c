"""Machines for the tests of this level: one for each file, booted when the first test asks for it."""

from collections.abc import Iterator

import pytest

from machine import product
from machine.machine import CannotBootError, Machine


@pytest.fixture(scope="module")
def bare() -> Iterator[Machine]:
    """A booted machine without heald."""
    try:
        with Machine.boot() as machine:
            yield machine
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")


@pytest.fixture(scope="module")
def machine(bare: Machine) -> Machine:
    """A booted machine in which `make install` was run; heald.service is not started."""
    product.make(bare, "install")
    return bare
