"""Two controllers that know no measure and one in somebody else's hands, all at once, against root's guard.

HEALD_HOSTILE_SECONDS says for how long: 10 unless given; `HEALD_HOSTILE_SECONDS=60 .venv/bin/python -m pytest
tests/machine/test_hostile.py` is the long run.
"""

import json
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from statistics import median

import pytest

from heald_helper.settings import Settings
from machine import played, product
from machine.machine import Machine

BOTH_MODES = True
pytestmark = pytest.mark.long
SECONDS = float(os.environ.get("HEALD_HOSTILE_SECONDS", "10"))
HELPER = "heald-helper.service"
ILL = [f"ill-{number:02}.service" for number in range(30)]
HEALTHY = ("well.service", "dbus.service", "polkit.service", "systemd-journald.service")
DOWN = ("stopped.service", "protected.service", "session.service")
BEGAN = re.compile(r"(\S+/\S+) (.*) for uid (\d+)")


@pytest.fixture(autouse=True, scope="module")
def stage(machine: Machine) -> None:
    """Units that are ill for ever and write down each run, some that are well, and some that are not to be touched."""
    machine.write("/etc/heald/helper.toml", 'protected = ["protected.service"]\n')
    for name in (*ILL, *DOWN):
        unit = f"Requires={ILL[0]}\nAfter={ILL[0]}" if name == ILL[1] else ""
        service = "TTYPath=/dev/tty63" if name == "session.service" else ""
        machine.write(f"/etc/systemd/system/{name}", f"[Unit]\n{unit}\nStartLimitIntervalSec=0\n[Service]\n{service}\n"
                      f"ExecStart=/bin/sh -c 'echo ran >> /run/ran-{name}; exit 1'\n")
    machine.write("/etc/systemd/system/template@.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
    machine.write("/etc/systemd/system/well.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n"
                                                      "[Install]\nAlias=well-alias.service\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--quiet", "well.service")
    machine.run("systemctl", "start", "well.service")
    for name in (*ILL, *DOWN[1:]):
        machine.run("systemctl", "start", name, check=False)
    product.add_service(machine, "slow.service", service="ExecStartPre=/usr/bin/sleep 1")
    product.kill(machine, "slow.service")
    product.add_service(machine, "persons.service")
    product.kill(machine, "persons.service")
    machine.run("systemctl", "start", "polkit.service")
    played.play(machine)
    played.press(machine, memory=50, cpu=90)
    played.add_hog(machine, "hog.service")
    played.add_hog(machine, "small.service", mib=10)


def runs(machine: Machine, name: str) -> int:
    return machine.run("cat", f"/run/ran-{name}", check=False).stdout.count("ran")


def hostile(machine: Machine, role: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([*machine.enter("_heald"), "/usr/bin/python3", "-I",
                             f"{product.SOURCE}/tests/machine/hostile.py", role, str(SECONDS)],
                            stdout=subprocess.PIPE, text=True)


def test_no_limit_is_exceeded_and_nothing_healthy_is_touched(
        machine: Machine, mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: product.state(machine, name, "InvocationID") for name in HEALTHY}
    ran = {name: runs(machine, name) for name in (*ILL, *DOWN)}
    attackers = [hostile(machine, role) for role in ("controller", "controller", "captured")]
    others: Counter[str] = Counter()
    waited, kills = [], 0
    while any(attacker.poll() is None for attacker in attackers):
        for user in ("root", "nobody"):
            began = time.monotonic()
            others[f"{user}: {product.heal(machine, 'HealService', 'start', 'well.service', user=user).error}"] += 1
            waited.append(time.monotonic() - began)
        if kills < 2 and len(waited) >= 6 * (kills + 1):        # its counts must outlive it
            machine.run("systemctl", "kill", "--signal=KILL", HELPER, check=False)
            kills += 1
    told = [json.loads(attacker.communicate()[0].splitlines()[-1]) for attacker in attackers]
    person = product.heal(machine, "HealService", "start", "persons.service", user="root")

    own = machine.run("id", "-u", "_heald").stdout.strip()
    begun = Counter[tuple[str, str]]()
    for line in machine.journal("-u", HELPER).splitlines():
        if (found := BEGAN.fullmatch(line)) and found[3] == own and not found[2].startswith("heald-"):
            first, *also = found[2].split(", ")
            begun.update([(found[1], first), *(("service/start", unit) for unit in also)])
    lifted = begun.pop(("resource/unlimit", "hog.service"), 0)          # costs no budget: once for each limit
    limited = begun["resource/limit-memory", "hog.service"] + begun["resource/limit-cpu", "hog.service"]
    assert lifted <= limited + kills        # a helper that is killed while it lifts one has it to lift again
    more = {name: runs(machine, name) - count for name, count in ran.items()}
    with capsys.disabled():
        report(mode, told, begun, others, waited)

    limits = Settings()
    allowed = limits.burst + int(SECONDS // limits.refill)
    assert set(begun.values()) <= set(range(1, allowed + 1)), "more than is allowed of one operation on one unit"
    assert limits.per_hour // 2 < begun.total() <= limits.per_hour
    # Not by root's own word alone: what each unit wrote down.
    # The first is also run by systemd for the second, which requires it.
    assert limits.per_hour // 3 < sum(more[name] for name in ILL[1:]) <= limits.per_hour
    assert max(more[name] for name in ILL[1:]) <= 2 * allowed       # start and repair
    assert {name: more[name] for name in DOWN} == dict.fromkeys(DOWN, 0)
    assert {name: product.state(machine, name, "InvocationID") for name in HEALTHY} == before
    assert product.state(machine, "hog.service", "MemoryHigh") in {"infinity", str(110 * played.MIB)}
    product.heal(machine, "HealResource", "unlimit", "hog.service", user="root")
    assert product.state(machine, "hog.service", "MemoryHigh") == "infinity"
    assert product.state(machine, "hog.service", "CPUWeight") == "[not set]"
    assert machine.run("find", "/run/systemd/system.control", "-name", "*.conf", check=False).stdout == ""
    for name in ("well.service", "small.service", "dbus.service"):
        assert product.state(machine, name, "MemoryHigh") == "infinity"
    assert machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "template@*", "evil*").stdout == ""
    assert person.report["after"] == "active"
    # While a killed helper is started again the bus refuses whom it has no room for: 512 messages may wait for a start.
    right = others["root: Healthy"] + others["nobody: InteractiveAuthorizationRequired"]
    assert right >= 0.8 * others.total(), "others were not served"
    assert others.keys() & {"root: done", "nobody: done", "nobody: Healthy"} == set()
    check_captured(told[2])


def check_captured(told: dict[str, dict[str, int]]) -> None:
    """Nothing of what only an attacker tries was done. Busy, LimitsExceeded, NoReply: too much, or just killed."""
    passing = {"Busy", "LimitsExceeded", "NoReply", "sent"}
    for name, answers in told.items():
        done = answers.keys() - passing
        if name not in {"heals an ill unit", "limits under true pressure"}:
            assert not done & {"done", "running", "unchanged", "killed"}, f"{name}: {answers}"
            assert not [answer for answer in done if answer.startswith("wrote")], f"{name}: {answers}"
    assert told.get("asks polkit about root", {}).keys() <= {"NotAuthorized", "LimitsExceeded"}


def report(mode: str, told: list[dict[str, dict[str, int]]], begun: Counter[tuple[str, str]], others: Counter[str],
           waited: list[float]) -> None:
    """What happened, for whoever runs it."""
    print(f"\nhelper as {'_heald-helper' if mode else 'uid 0'}, {SECONDS:.0f} s: begun for _heald {begun.total()}, "
          f"of one operation on one unit at most {max(begun.values())}")
    for name, one in zip(("controller", "controller", "captured"), told, strict=True):
        for attempt, answers in sorted(one.items()):
            print(f"  {name:10} {attempt:32} {counts(answers)}")
    print(f"  others meanwhile: {counts(others)}; "
          f"median {median(waited):.2f} s, longest {max(waited):.2f} s")


def counts(answers: Mapping[str, int]) -> str:
    return ", ".join(f"{answer} {count}" for answer, count in sorted(answers.items()))
