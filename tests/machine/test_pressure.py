"""What the whole machine bears: the host's in a container; else looked at as soon as the kernel says it is short."""

import json
from pathlib import Path

import pytest

from machine import product
from machine.machine import Machine
from machine.memory_short import memory_short

EAGER = """\
[sense]
interval = "{interval}"
[thresholds]
load-high = 0.001
cpu-busy = 0.001
pressure-cpu = 0.001
temperature-high = 50
[[rule]]
name = "at once"
kind = "*"
for = "0s"
mode = "observe"
"""
MARKS = "/run/systemd/container", "/.dockerenv", "/run/.containerenv", "/run/host/container-manager"
ARM = """
import asyncio
from heald.triggers import Trigger
async def arm():
    print(Trigger(lambda: None).armed)
asyncio.run(arm())
"""


def kinds(machine: Machine) -> set[str]:
    """What one look finds that is no unit, path or disk."""
    shown = json.loads(machine.run("healctl", "check", "--json", check=False).stdout)
    return {issue["kind"] for issue in shown["issues"] if issue["subject"] == "machine"}


def incidents(machine: Machine) -> list[dict[str, str]]:
    return [one for one in json.loads(machine.run("healctl", "history", "--json").stdout)["incidents"]
            if one["kind"] == "load-high"]


def set_marks(machine: Machine, there: bool) -> None:
    """Lets it look like a container, which it is, or like a machine of its own."""
    machine.run("mount", "-o", "remount,rw", "/run/host")
    machine.run(*(("touch", MARKS[0]) if there else ("rm", "-f", *MARKS)))


@pytest.mark.usefixtures("clean")
def test_in_a_container_nothing_of_the_host_is_an_issue(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", EAGER.format(interval="2s"))
    assert kinds(machine) == set()
    set_marks(machine, there=False)
    assert "load-high" in kinds(machine)        # so it would be found, were it not a container
    set_marks(machine, there=True)
    assert kinds(machine) == set()


@pytest.mark.usefixtures("clean")
def test_the_kernel_wakes_heald_when_memory_gets_short_and_else_the_timer_does(machine: Machine,
                                                                               tmp_path: Path) -> None:
    """With an hour between the looks only the trigger can be what made it look again."""
    set_marks(machine, there=False)
    python = ("env", "PYTHONPATH=/usr/lib/heald/site", "/usr/bin/python3", "-c", ARM)
    armed = machine.run(*python, user="_heald").stdout.strip() == "True"
    machine.write("/etc/heald/heald.toml", EAGER.format(interval="1h" if armed else "2s"))
    machine.run("systemctl", "start", "heald.service")
    product.wait_until(lambda: bool(incidents(machine)), "it has looked once")
    set_marks(machine, there=True)              # what it finds from now on is nothing
    with memory_short(tmp_path):
        product.wait_until(lambda: incidents(machine)[0]["outcome"] == "cleared", "it has looked again")
