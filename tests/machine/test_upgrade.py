"""heald on a machine that the first release left: its history, its pauses, both its configurations; and one version."""

import json
import re

import pytest

from machine import product
from machine.healctl import document, healctl
from machine.machine import SOURCE, Machine
from version import VERSION

FIRST = SOURCE / "tests/unit/first_release"
HISTORY = "/var/lib/heald/history.db"


@pytest.fixture(autouse=True, scope="module")
def left(machine: Machine) -> None:
    """As the first release left it; then this one is started."""
    for name in ("heald.toml", "helper.toml"):
        machine.write(f"/etc/heald/{name}", (FIRST / name).read_text())
    machine.write("/var/lib/heald/paused.json", (FIRST / "paused.json").read_text())
    raw(machine, "PRAGMA journal_mode = WAL;" + (FIRST / "history.sql").read_text())
    machine.run("chown", "-R", "_heald:_heald", "/var/lib/heald")
    product.add_service(machine, "shop.service")
    machine.run("systemctl", "start", "heald.service")


def raw(machine: Machine, script: str) -> None:
    program = "import sqlite3, sys; file = sqlite3.connect(sys.argv[1]); file.executescript(sys.stdin.read())"
    machine.run("/usr/bin/python3", "-I", "-c", program, HISTORY, stdin=script)


def pragma(machine: Machine, name: str) -> int:
    program = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())"
    return int(machine.run("/usr/bin/python3", "-I", "-c", program, HISTORY, f"PRAGMA {name}").stdout)


def subjects(machine: Machine) -> list[str]:
    return [one["subject"] for one in document(healctl(machine, "history", "--json"))["incidents"]]


def test_what_it_left_is_known_and_gone_on_with(machine: Machine) -> None:
    known = document(healctl(machine, "status", "--json"))
    assert (known["mode"], [one["subject"] for one in known["paused"]]) == ("ask", ["quiet.service"])
    assert subjects(machine) == ["/tmp", "mill.service", "crash.service", "shop.service"]
    assert "itself: it ended with exit status 7" in healctl(machine, "why", "2").stdout
    product.kill(machine, "shop.service")
    product.wait_until(lambda: subjects(machine)[0] == "shop.service", "what is wrong now is in the same history")
    newest = document(healctl(machine, "history", "--count", "1", "--json"))["incidents"][0]
    assert int(newest["id"]) == 5
    assert (pragma(machine, "user_version"), pragma(machine, "auto_vacuum")) == (3, 2)
    assert "set aside" not in machine.journal("--unit=heald.service")
    assert "built-in" not in machine.journal("--unit=heald-helper.service")


def test_all_parts_are_of_one_version(machine: Machine) -> None:
    said = {}
    for name in ("Helper1", "Controller1"):
        where = (f"org.heald.{name}", f"/org/heald/{name}", f"org.heald.{name}")
        answer = machine.run("busctl", "--json=short", "get-property", *where, "Version").stdout
        said[name] = json.loads(answer)["data"]
    metrics = ("curl", "--silent", "http://[::1]:9754/metrics")
    product.wait_until(lambda: "heald_build_info{" in machine.run(*metrics, check=False).stdout, "metrics are served")
    found = re.search(r'heald_build_info\{version="(.*)"\}', machine.run(*metrics).stdout)
    said["metrics"] = found[1] if found else ""
    for program in ("healctl", "heald"):
        said[program] = machine.run(program, "--version").stdout.strip().removeprefix(f"{program} ")
    assert said == dict.fromkeys(said, VERSION)


def test_a_configuration_is_checked_by_nobody_without_a_bus(machine: Machine) -> None:
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
    done = healctl(machine, "config", "check", user="nobody", **nowhere)
    assert (done.returncode, done.stdout) == (0, "/etc/heald/heald.toml: as it should be\n")
    machine.run("sh", "-c", "mkdir -p -m 700 /srv/secret && touch /srv/secret/heald.toml")
    done = healctl(machine, "config", "check", "/srv/secret/heald.toml", user="nobody", **nowhere)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout == "/srv/secret/heald.toml.d: cannot be read: Permission denied\n"
    machine.write("/srv/host/heald.toml", "[limits]\n\npacing = []\nper_hour = 3\n")
    done = healctl(machine, "config", "check", "/srv/host/heald.toml", user="nobody", **nowhere)
    assert done.returncode == 2
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == [
        "/srv/host/heald.toml:3", "/srv/host/heald.toml:4"]


def test_a_history_of_a_newer_heald_is_set_aside_and_healing_goes_on(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service")
    raw(machine, "PRAGMA user_version = 99")
    done = healctl(machine, "history")
    assert "it is of a newer heald (format 99, known here is 3)" in done.stderr
    machine.run("systemctl", "start", "heald.service")
    assert machine.run("sh", "-c", f"ls {HISTORY}.newer-*").stdout.count("newer") == 1
    lines = [line for line in machine.journal("--unit=heald.service").splitlines() if "newer" in line]
    assert len(lines) == 1
    assert "is of a newer heald (format 99, known here is 3); it is set aside as history.db.newer-" in lines[0]
    product.add_service(machine, "mill.service")
    product.kill(machine, "mill.service")
    product.wait_until(lambda: "mill.service" in subjects(machine), "a new one is begun")
