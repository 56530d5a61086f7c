"""What is built once, and a machine for each file."""

from collections.abc import Iterator

import pytest

from deb import packages
from machine.machine import CannotBootError, Machine


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The packages of this version and of the next."""
    packages.build(packages.NOW)
    packages.build(packages.NEXT_TO_IT, packages.next_version(tmp_path_factory.mktemp("tree")))


@pytest.fixture(scope="module")
def bare(built: None) -> Iterator[Machine]:
    """A booted machine without heald."""
    try:
        with Machine.boot() as machine:
            machine.run("rm", "-f", "/usr/sbin/policy-rc.d")        # a container's word that nothing may be started
            yield machine
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")
