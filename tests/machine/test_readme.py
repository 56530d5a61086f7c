"""The command lines that the README shows work when they are pasted."""

import re
import subprocess

import pytest

from machine import product
from machine.machine import SOURCE, Machine

BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (SOURCE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines()]
LOOKS = [line for line in LINES if line.startswith("busctl ")]
[CALL] = [line for line in LINES if "HealService" in line]
[MONITOR] = [line for line in LINES if "busctl monitor" in line]


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> None:
    machine.run("systemctl", "start", "heald.service")


@pytest.mark.parametrize("line", LOOKS)
def test_anyone_may_look(machine: Machine, line: str) -> None:
    assert machine.run("sh", "-c", line, user="nobody").stdout


def test_the_call_heals_and_the_monitor_sees_it(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service")       # it would be faster
    product.add_service(machine, "shop.service")
    product.kill(machine, "shop.service")
    seen = subprocess.Popen([*machine.enter(), "timeout", "60", "sh", "-c", MONITOR], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    assert seen.stdout is not None
    try:
        assert "Monitoring" in seen.stdout.readline()
        assert '"active"' in machine.run("sh", "-c", CALL).stdout
        while "Member=Finished" not in (line := seen.stdout.readline()):
            assert line, "the monitor ended without having seen it"
    finally:
        machine.run("pkill", "--full", "busctl monitor", check=False)
        seen.communicate()
    again = machine.run("sh", "-c", CALL, check=False)
    assert again.returncode
    assert "neither failed" in again.stderr
