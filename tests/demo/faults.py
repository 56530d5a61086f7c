"""The three faults of the demo: how each is made, and how one sees, without asking heald, that it is gone."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from machine import product
from machine.machine import Machine

SERVICE = "shop.service"
JOURNAL = "/var/log/journal"
JOURNAL_SIZE = "300m"
FULL = 98                   # per cent: critical for so small a disk, so that heald does not wait a minute
ROOM = 80                   # per cent: from here on the disk is well again


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: the category that heals it, the issue it is, what a person would say of it."""

    category: str
    kind: str
    subject: str
    broken: str
    make: Callable[[], object]
    is_gone: Callable[[], bool]


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


def _tmp_is_open(machine: Machine) -> bool:
    return machine.run("stat", "--format=%a", "/tmp").stdout.strip() == "1777"


def service(make: Callable[[], object], is_gone: Callable[[], bool]) -> Fault:
    return Fault("service", "unit-failed", SERVICE, f"{SERVICE} is killed with SIGKILL", make, is_gone)


def resource(make: Callable[[], object], is_gone: Callable[[], bool]) -> Fault:
    return Fault("resource", "disk-full", JOURNAL, f"the journal fills its disk of {JOURNAL_SIZE}", make, is_gone)


def system(make: Callable[[], object], is_gone: Callable[[], bool]) -> Fault:
    return Fault("system", "permissions-wrong", "/tmp", "/tmp loses its permissions: only root can write there",
                 make, is_gone)


def in_machine(machine: Machine) -> list[Fault]:
    """The three faults, ready to be made in a machine."""
    product.add_service(machine, SERVICE, unit="Description=A shop, without Restart=")
    give_journal_a_small_disk(machine)
    return [service(partial(_kill_service, machine), partial(_service_runs, machine)),
            resource(partial(fill_journal, machine), lambda: journal_percent(machine) < ROOM),
            system(partial(machine.run, "chmod", "755", "/tmp"), partial(_tmp_is_open, machine))]
