"""What is tried in the virtual machine, as root: each trial's end is printed as a line of JSON.

Standard library only: it runs with the machine's own Python. A trial fails by raising.
"""

import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/system.slice")
PATIENCE = 240              # seconds; without hardware acceleration everything takes 15 times as long


def run(*command: str, check: bool = True) -> str:
    """What a command printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout


def show(unit: str, what: str) -> str:
    return run("systemctl", "show", f"--property={what}", "--value", unit).strip()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"it is still not so that {what}"
        time.sleep(0.2)


def add_service(name: str, command: str, *lines: str) -> None:
    text = "\n".join(["[Service]", f"ExecStart={command}", *lines])
    Path(f"/etc/systemd/system/{name}").write_text(f"{text}\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", name)


def heal(method: str, operation: str, target: str) -> str:
    """Asks the helper as `_heald`; what busctl printed, or its error."""
    done = subprocess.run(
        ["setpriv", "--reuid=_heald", "--regid=_heald", "--init-groups", "busctl", "call", "--timeout=120",
         "org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1", method, "ssa{sv}", operation, target, "0"],
        capture_output=True, text=True, check=False)
    return done.stdout or done.stderr


def a_killed_service_is_healed() -> None:
    """The whole path under a kernel of its own, both sandboxes in full force."""
    run("systemctl", "start", "heald.service")
    add_service("shop.service", "/usr/bin/sleep infinity")
    before = show("shop.service", "MainPID")
    run("systemctl", "kill", "--signal=KILL", "shop.service")
    wait_until(lambda: show("shop.service", "ActiveState") == "active" and show("shop.service", "MainPID") != before,
               "shop.service runs again")


def the_helper_s_limits_are_in_force() -> None:
    """What nspawn only notes, this kernel enforces."""
    answer = heal("HealService", "start", "shop.service")
    assert "neither failed" in answer, answer
    cgroup = CGROUP / "heald-helper.service"
    assert (cgroup / "memory.max").read_text().strip() == str(64 << 20)
    assert (cgroup / "pids.max").read_text().strip() == "2"
    assert int((cgroup / "memory.current").read_text()) < 48 << 20


TRIALS = (a_killed_service_is_healed, the_helper_s_limits_are_in_force)


def main() -> None:
    wait_until(lambda: run("systemctl", "is-system-running", check=False).strip() == "running", "it has booted")
    for trial in TRIALS:
        try:
            trial()
            error = ""
        except Exception:       # noqa: BLE001  whatever it is, it is told, and the next one is tried
            error = traceback.format_exc()
        sys.stdout.write(json.dumps({"trial": trial.__name__, "error": error}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
