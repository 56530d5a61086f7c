"""The machines of tests/machine, and in each a Nix store on a small file system of its own."""

from collections.abc import Iterator

import pytest

from machine.conftest import bare, machine, mode, pytest_generate_tests
from machine.machine import Machine
from nix import closure

__all__ = ["bare", "machine", "mode", "pytest_generate_tests"]


@pytest.fixture
def store(machine: Machine) -> Iterator[Machine]:
    """A machine with an empty store of 40 MiB, of which nix keeps 8 as its reserve, and no generation."""
    closure.prepare(machine)
    machine.run("rm", "-rf", "/run/current-system", "/run/booted-system", "/var/lib/heald-helper", "/etc/heald")
    machine.run("mkdir", "-p", "/nix")
    machine.run("mount", "-t", "tmpfs", "-o", "size=40m,mode=755", "store", "/nix")
    machine.run("systemctl", "stop", "heald-helper.service")        # it sees the /nix that it was started with
    machine.run("rm", "-f", "/run/heald-helper/ledger.json")        # one rollback a boot is all that heald may
    yield machine
    machine.run("umount", "--lazy", "/nix")
