"""Measures inside the machine: `idle SECONDS [churn] | looks COUNT | starts COUNT | failures COUNT | about`.

Prints JSON.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.timing import timed

UNITS = ("heald.service", "heald-helper.service", "bench-monit.service")
SITE = "/usr/lib/heald/site"
IMPORTS = "import sys; sys.path.insert(0, '/usr/lib/heald/helper'); import heald_helper.__main__, heald_helper.service"
PATIENCE = 300              # seconds until all that failed runs again
MIB = 1 << 20


def main_pid(unit: str) -> int:
    shown = subprocess.run(["systemctl", "show", "--property=MainPID", "--value", unit], capture_output=True, text=True,
                           check=True)
    return int(shown.stdout)


def reading(pid: int) -> dict[str, float]:
    """CPU seconds, wake-ups and memory in MiB of a process, as the kernel counts them."""
    nanoseconds = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    status = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    memory = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return {"cpu": nanoseconds / 1e9, "wakes": int(status["voluntary_ctxt_switches"]),
            "rss": int(memory["Rss"].split()[0]) * 1024 / MIB, "pss": int(memory["Pss"].split()[0]) * 1024 / MIB}


def idle(seconds: float, *, churn: bool) -> dict[str, Any]:
    """What each process took in this time; `churn`: beside it a unit is started and stopped 200 times a minute."""
    pids = {unit: pid for unit in UNITS if (pid := main_pid(unit))}
    before = {unit: reading(pid) for unit, pid in pids.items()}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if churn:
            for word in ("start", "stop"):
                subprocess.run(["systemctl", word, "churn.service"], check=True)
        time.sleep(0.25 if churn else 1)
    after = {unit: reading(pid) for unit, pid in pids.items()}
    return {unit: {"cpu_percent": 100 * (now["cpu"] - before[unit]["cpu"]) / seconds,
                   "wakes_per_second": (now["wakes"] - before[unit]["wakes"]) / seconds,
                   "rss_mib": now["rss"], "pss_mib": now["pss"]} for unit, now in after.items()}


async def looks(count: int) -> dict[str, float]:
    """One full pass over live readings (ms of CPU and of time), and the thresholds alone over a ready one (µs)."""
    sys.path.insert(0, SITE)
    from heald import config, detector
    from heald.bus.connection import Bus
    from heald.bus.systemd import Manager
    from heald.engine import ALL
    from heald.senses import SystemSenses

    settings, bus = config.load(), await Bus.connect()
    senses = SystemSenses(Manager(bus))
    snapshot = await senses.read(ALL, ())
    cpu, wall = [], []
    for _ in range(count):
        began, spent = time.perf_counter(), time.process_time()
        snapshot = await senses.read(ALL, ())
        detector.detect(snapshot, settings, {})
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - spent)
    began = time.perf_counter()
    for _ in range(1000):
        detector.detect(snapshot, settings, {})
    alone = (time.perf_counter() - began) / 1000
    bus.close()
    return {"detect_cpu_ms": median(cpu) * 1e3, "detect_ms": median(wall) * 1e3, "thresholds_us": alone * 1e6}


def starts(count: int) -> dict[str, float]:
    """ms from exec to exit, the median of so many: the interpreter alone, the commands, and the helper's imports."""
    commands = {
        "python": ["/usr/bin/python3", "-IS", "-c", "pass"],
        "version": ["/usr/bin/healctl", "--version"],
        "check": ["/usr/bin/healctl", "check"],
        "helper": ["/usr/bin/python3", "-IS", "-c", IMPORTS],
    }
    return {name: timed(partial(subprocess.run, command, stdout=subprocess.DEVNULL, check=False), count)
            for name, command in commands.items()}


def all_run(names: list[str]) -> bool:
    shown = subprocess.run(["systemctl", "show", "--property=ActiveState", "--value", *names], capture_output=True,
                           text=True, check=True)
    return set(shown.stdout.split()) == {"active"}


def failures(count: int) -> dict[str, float]:
    """So many services fail at once: how many heald spoke of, seconds until all run again, ms of its CPU for each, and
    MiB of it at the end."""
    names = [f"many@{number}.service" for number in range(count)]
    subprocess.run(["systemctl", "start", *names], check=True)
    time.sleep(2)
    pid = main_pid("heald.service")
    before, began, at = reading(pid), time.monotonic(), time.time()
    subprocess.run(["systemctl", "kill", "--signal=KILL", *names], check=True)
    while time.monotonic() < began + 2 or not all_run(names):
        if time.monotonic() > began + PATIENCE:
            sys.exit(f"{count} services do not all run again after {PATIENCE} s")
        time.sleep(0.5)
    took = time.monotonic() - began
    time.sleep(5)
    after = reading(pid)
    told = subprocess.run(["journalctl", f"--since=@{at:.0f}", "--unit=heald.service", "--output=cat"],
                          capture_output=True, text=True, check=True).stdout
    seen = {name for name in re.findall(r"many@[0-9]+\.service", told) if name in names}
    return {"failures": count, "seen": len(seen), "seconds": took, "rss_mib": after["rss"], "pss_mib": after["pss"],
            "cpu_ms_per_failure": 1e3 * (after["cpu"] - before["cpu"]) / count}


def about() -> dict[str, Any]:
    """What was measured on; and the memory of the helper while it is there, in MiB."""
    subprocess.run(["systemctl", "start", "heald-helper.service"], check=True)
    version = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=True).stdout
    return {"machine": {"cores": os.cpu_count(), "kernel": os.uname().release, "systemd": version.split()[1],
                        "python": ".".join(map(str, sys.version_info[:3]))},
            "helper_pss_mib": reading(main_pid("heald-helper.service"))["pss"]}


def main() -> None:
    match sys.argv[1:]:
        case ["idle", seconds, *churn]:
            found: dict[str, Any] = idle(float(seconds), churn=bool(churn))
        case ["looks", count]:
            found = asyncio.run(looks(int(count)))
        case ["starts", count]:
            found = starts(int(count))
        case ["failures", count]:
            found = failures(int(count))
        case ["about"]:
            found = about()
        case _:
            sys.exit(__doc__)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
