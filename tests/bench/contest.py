"""The contestants, set up in a machine, and what each takes from SIGKILL to a new main process."""

import json
import time
from dataclasses import dataclass
from statistics import median

from bench.rounds import CONTESTANTS
from machine import product
from machine.machine import Machine

INSIDE = f"{product.SOURCE}/tests/bench"
HEALD = """\
[limits]
pacing = ["0s"]
incidents_per_hour = 100000
[[rule]]
name = "monit's"
kind = "unit-failed"
subject = "by-monit*"
mode = "observe"
"""
ROOT = "[limits]\nper_hour = 100000\nburst = 100000\n"
MONIT = """\
set daemon 1
set log /var/log/monit.log
check process start matching "sleep 1000003"
    start program = "/usr/bin/systemctl start by-monit-start.service"
    if does not exist then start
check process restart matching "sleep 1000004"
    start program = "/usr/bin/systemctl start by-monit-restart.service"
    stop program = "/usr/bin/systemctl stop by-monit-restart.service"
    if does not exist then restart
"""


@dataclass(frozen=True)
class Repair:
    """One kill: whose service, when (seconds since the epoch), and the ms until it ran again."""

    who: str
    at: float
    ms: float


def set_up(machine: Machine) -> None:
    """heald, monit and one service for each rule; a start limit is not what is measured."""
    lines = {"by-systemd-0.service": "Restart=always\nRestartSec=0", "by-systemd.service": "Restart=always"}
    for number, unit in enumerate(dict.fromkeys(CONTESTANTS.values()), 1):
        product.add_unit(machine, unit, f"[Unit]\nStartLimitIntervalSec=0\n[Service]\n"
                                        f"ExecStart=/usr/bin/sleep {1000000 + number}\n{lines.get(unit, '')}\n")
        machine.run("systemctl", "start", unit)
    machine.write("/etc/heald/heald.toml", HEALD)
    machine.write("/etc/heald/helper.toml", ROOT)
    machine.run("systemctl", "start", "heald.service")
    time.sleep(3)           # what it looks at as it starts is not what it costs while nothing happens
    machine.write("/etc/monit/bench", MONIT, mode="600")
    product.add_unit(machine, "bench-monit.service", "[Service]\nExecStart=/usr/bin/monit -I -c /etc/monit/bench\n")
    machine.run("systemctl", "start", "bench-monit.service")


def hold(machine: Machine, rounds: int, *who: str) -> list[Repair]:
    """All contestants, or these, in turn, so many rounds; the first round warms everything and does not count."""
    shown = machine.run("/usr/bin/python3", f"{INSIDE}/rounds.py", str(rounds + 1), *who, timeout=3000).stdout
    repairs = [Repair(**json.loads(line)) for line in shown.splitlines()]
    return repairs[len(who or CONTESTANTS):]


def medians(repairs: list[Repair]) -> dict[str, float]:
    """Contestant -> its median, in ms."""
    return {who: round(median(r.ms for r in repairs if r.who == who), 1) for who in CONTESTANTS}
