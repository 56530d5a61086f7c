"""The three faults of the demo: how each is made, and how one sees, without asking heald, that it is gone."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from machine import product
from machine.machine import Machine

SERVICE = "shop.service"
JOURNAL = "/var/log/journal"
JOURNAL_SIZE = "300m"
FULL = 98                   # per cent: critical for so small a disk, so that heald does not wait a minute


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: the category that heals it, the issue it is, what a person would say of it."""

    category: str
    kind: str
    subject: str
    broken: str
    make: Callable[[Machine], None]
    is_gone: Callable[[Machine], bool]
    prepare: Callable[[Machine], None]


def _start_service(machine: Machine) -> None:
    product.add_service(machine, SERVICE, unit="Description=A shop, without Restart=")


def _kill_service(machine: Machine) -> None:
    machine.run("systemctl", "kill", "--signal=KILL", SERVICE)


def _service_runs(machine: Machine) -> bool:
    return product.state(machine, SERVICE) == "active"


def give_journal_a_small_disk(machine: Machine) -> None:
    """journald's own limits are lifted: they would stop it at a tenth of the disk."""
    machine.write("/etc/systemd/journald.conf.d/demo.conf", "[Journal]\nStorage=persistent\nSystemMaxUse=100G\n"
                  "SystemKeepFree=1\nSystemMaxFiles=1000\nRateLimitIntervalSec=0\nCompress=no\n")
    machine.run("mkdir", "-p", JOURNAL)
    machine.run("mount", "-t", "tmpfs", "-o", f"size={JOURNAL_SIZE},mode=2755", "journal", JOURNAL)
    machine.run("systemctl", "restart", "systemd-journald.service")
    machine.run("journalctl", "--flush")


def fill_journal(machine: Machine) -> None:
    while journal_percent(machine) < FULL:
        lines = "".join(f"{os.urandom(20000).hex()}\n" for _ in range(200))
        machine.run("systemd-cat", "--identifier=chatty", stdin=lines)


def journal_percent(machine: Machine) -> int:
    """What df says of the journal's disk."""
    return int(machine.run("df", "--output=pcent", JOURNAL).stdout.split()[1].rstrip("%"))


def _journal_has_room(machine: Machine) -> bool:
    return journal_percent(machine) < 80


def _leave(_machine: Machine) -> None:
    """Nothing to prepare."""


def _lock_tmp(machine: Machine) -> None:
    machine.run("chmod", "755", "/tmp")


def _tmp_is_open(machine: Machine) -> bool:
    return machine.run("stat", "--format=%a", "/tmp").stdout.strip() == "1777"


FAULTS = (
    Fault("service", "unit-failed", SERVICE, f"{SERVICE} is killed with SIGKILL", _kill_service, _service_runs,
          _start_service),
    Fault("resource", "disk-full", JOURNAL, f"the journal fills its disk of {JOURNAL_SIZE}B", fill_journal,
          _journal_has_room, give_journal_a_small_disk),
    Fault("system", "permissions-wrong", "/tmp", "/tmp loses its permissions (755: only root can write there)",
          _lock_tmp, _tmp_is_open, _leave),
)
