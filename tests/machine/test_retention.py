"""The installed daemon prunes its history in its sandbox, and heals meanwhile; a person's own history is pruned too."""

import pytest

from machine import product
from machine.healctl import document, healctl
from machine.machine import Machine

DAEMON, OWN = "/var/lib/heald/history.db", "/root/.local/state/heald/history.db"
COUNT, DAYS, KEPT = 500, 50, 10
AT_ONCE = """\
[Service]
ExecStart=
ExecStart=/usr/bin/python3 -I -c "import sys; sys.path.insert(0, '/usr/lib/heald/site'); import heald.retention; \
heald.retention.FIRST = 0; from heald.daemon import main; main()"
"""
"""The daemon as it is installed, but that it does not wait for ten minutes."""


@pytest.fixture(autouse=True, scope="module")
def long_histories(machine: Machine) -> None:
    """Fifty days of it, of which ten are to be kept."""
    machine.write("/etc/heald/heald.toml", f'[history]\nkeep = "{KEPT}d"\n[sense]\ninterval = "1s"\n')
    for path in (DAEMON, OWN):
        machine.run("mkdir", "-p", path.rpartition("/")[0])
        machine.run("/usr/bin/env", f"PYTHONPATH=/usr/lib/heald/site:{product.SOURCE}/tests", "/usr/bin/python3",
                    f"{product.SOURCE}/tests/bench/years.py", "fill", path, str(COUNT), str(DAYS))
    machine.run("chown", "-R", "_heald:_heald", "/var/lib/heald")


def size(machine: Machine) -> int:
    return int(machine.run("stat", "--format=%s", DAEMON).stdout)


def oldest(machine: Machine, path: str) -> int:
    program = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())"
    return int(machine.run("/usr/bin/python3", "-I", "-c", program, path, "SELECT min(id) FROM incidents").stdout)


def test_a_daemon_prunes_beside_healing(machine: Machine) -> None:
    before = size(machine)
    machine.write("/etc/systemd/system/heald.service.d/at-once.conf", AT_ONCE)
    product.add_service(machine, "shop.service")
    machine.run("systemctl", "start", "heald.service")
    product.kill(machine, "shop.service")
    product.wait_until(lambda: oldest(machine, DAEMON) >= COUNT * (1 - KEPT / DAYS), "what is older is gone")
    product.wait_until(lambda: product.state(machine, "shop.service") == "active", "it was healed")
    machine.run("systemctl", "stop", "heald.service")
    assert size(machine) < before / 2
    known = document(healctl(machine, "history", "--count", "1000", "--json"))["incidents"]
    assert known[0]["subject"] == "shop.service"
    assert len(known) in range(COUNT * KEPT // DAYS - 2, COUNT * KEPT // DAYS + 3)
    assert not [line for line in machine.journal("--unit=heald.service").splitlines() if "history" in line]


def test_a_person_s_own_repair_prunes_a_step(machine: Machine) -> None:
    assert healctl(machine, "heal", "--yes").returncode == 0
    assert oldest(machine, OWN) == 101
