"""Somebody else's code runs in the helper: what is then still refused. docs/threat-model.md has the same table."""

import json
import re

import pytest

from machine import product
from machine.machine import SOURCE, Machine

BOTH_MODES = True
UNIT = "heald-probe.service"
PROGRAM = "/usr/lib/heald/probe.py"       # where the helper sees it


@pytest.fixture(scope="module")
def ended(machine: Machine, mode: str) -> dict[str, str]:
    """What was tried from inside the helper's sandbox, and how each ended."""
    for name in ("well.service", "bystander.service", "stopped.service"):
        product.add_service(machine, name, start=name != "stopped.service")
    product.add_unit(machine, "template@.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
    helper = machine.read("/usr/lib/systemd/system/heald-helper.service")
    machine.write(PROGRAM, (SOURCE / "tests/machine/probe.py").read_text())
    changed = {"Type": "oneshot", "ExecStart": f"/usr/bin/python3 -IS {PROGRAM}", "RuntimeDirectory": "heald-probe",
               "BindPaths": "/run/heald-probe", "NoExecPaths": "/run/heald-probe"}
    lines = [f"{key}={changed.get(key, value)}" if value else key for key, _, value in
             (line.partition("=") for line in helper.splitlines()) if key not in {"BusName", "Before"}]
    machine.write(f"/etc/systemd/system/{UNIT}", "\n".join(lines) + "\n")
    if mode:
        machine.write(f"/etc/systemd/system/{UNIT}.d/own-user.conf",
                      machine.read("/usr/lib/systemd/system/heald-helper.service.d/own-user.conf"))
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", UNIT)
    [line] = [line for line in machine.journal("-u", UNIT).splitlines() if line.startswith("{")]
    told: dict[str, str] = json.loads(line)
    return told


def documented(mode: str) -> dict[str, str]:
    """The rows of the table in docs/threat-model.md: what was tried -> yes or no."""
    text = (SOURCE / "docs/threat-model.md").read_text()
    rows = re.findall(r"^\| ([^|`]+) \| (yes|no) \| (yes|no) \|$", text, re.MULTILINE)
    return {what: own if mode else uid_0 for what, uid_0, own in rows}


def test_what_it_can_do_is_what_is_documented(
        machine: Machine, mode: str, ended: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\ncode in the helper, which is {'_heald-helper' if mode else 'uid 0'}:")
        for what, how in ended.items():
            print(f"  {what:46} {how}")
    assert {what: "yes" if how == "done" else "no" for what, how in ended.items()} == documented(mode)
    assert machine.exists("/etc/pwned") is not bool(mode)       # the program that was run, or was not
    assert not machine.exists("/etc/pwned-file")
    assert not machine.exists("/run/systemd/system/pwned.service")
    assert product.state(machine, "well.service") == ("active" if mode else "inactive")
