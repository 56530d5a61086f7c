"""`rounds.py COUNT [WHO...]`: kills each contestant's service in turn, COUNT times, and prints how long each took.

Runs inside the machine. One line of JSON a kill: {"who", "ms"}; the end is the kernel's and systemd's own stamp of the
new main process, so that looking for it costs no accuracy. Standard library only.
"""

import json
import os
import signal
import subprocess
import sys
import time

CONTESTANTS = {
    "systemd_0": "by-systemd-0.service",
    "systemd_default": "by-systemd.service",
    "monit_start": "by-monit-start.service",
    "monit_restart": "by-monit-restart.service",
    "heald_warm": "by-heald.service",
    "heald_cold": "by-heald.service",
}
PATIENCE = 60               # seconds for one repair


def show(unit: str, *properties: str) -> list[str]:
    done = subprocess.run(["systemctl", "show", "--value", *(f"--property={name}" for name in properties), unit],
                          capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line]


def again(unit: str) -> tuple[float, float]:
    """Kills the unit's main process; when (seconds since the epoch), and the ms until there was a new one."""
    [process] = show(unit, "MainPID")
    at, killed = time.time(), time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    os.kill(int(process), signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(0.1)
        started, state = show(unit, "ExecMainStartTimestampMonotonic", "ActiveState")
        if int(started) > killed and state == "active":
            return at, (int(started) - killed) / 1000
    sys.exit(f"{unit} did not run again in {PATIENCE} s")


def helper(word: str) -> None:
    subprocess.run(["systemctl", word, "heald-helper.service"], check=True)


def main() -> None:
    chosen = sys.argv[2:] or CONTESTANTS
    for _ in range(int(sys.argv[1])):
        for who in chosen:
            unit = CONTESTANTS[who]
            if unit == "by-heald.service":
                helper("stop" if who == "heald_cold" else "start")
                time.sleep(0.3)
            at, ms = again(unit)
            print(json.dumps({"who": who, "at": at, "ms": ms}), flush=True)
            time.sleep(0.7)         # what was begun meanwhile (a look, a record) has ended


if __name__ == "__main__":
    main()
