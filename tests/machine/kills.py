"""`kills.py UNIT COUNT`: kills a service again and again and prints, in ms, how long each time it took to run again.

Runs inside the machine. The end is systemd's own stamp, so that polling for it costs no accuracy.
"""

import os
import signal
import subprocess
import sys
import time


def show(unit: str, what: str) -> str:
    return subprocess.run(["systemctl", "show", f"--property={what}", "--value", unit], capture_output=True, text=True,
                          check=True).stdout.strip()


def from_kill_to_running(unit: str) -> float:
    """Milliseconds from SIGKILL until the unit is active again; waits for up to two minutes."""
    process = int(show(unit, "MainPID"))
    killed = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    os.kill(process, signal.SIGKILL)
    for _ in range(1200):
        time.sleep(0.1)
        active = int(show(unit, "ActiveEnterTimestampMonotonic"))
        if active > killed and show(unit, "ActiveState") == "active":
            return (active - killed) / 1000
    sys.exit(f"{unit} did not run again: it is {show(unit, 'ActiveState')}")


def main() -> None:
    unit, count = sys.argv[1], int(sys.argv[2])
    for _ in range(count):
        print(from_kill_to_running(unit), flush=True)
        time.sleep(0.3)


main()
