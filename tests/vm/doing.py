"""What a trial does in the virtual machine. Standard library only: it runs with the machine's own Python."""

import json
import subprocess
import time
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


def pressure(controller: str, line: str, average: str) -> float:
    """Per cent of the time that the whole machine was held up."""
    lines = Path(f"/sys/fs/cgroup/{controller}.pressure").read_text().splitlines()
    [words] = [words for words in map(str.split, lines) if words[0] == line]
    return float(dict(word.split("=") for word in words[1:])[average])


def settle(text: str) -> None:
    """heald's own file, and no daemon that reads it."""
    run("systemctl", "stop", "heald.service")
    Path("/etc/heald").mkdir(exist_ok=True)
    Path("/etc/heald/heald.toml").write_text(text)


def look() -> list[dict[str, str]]:
    """The issues that one look finds."""
    issues: list[dict[str, str]] = json.loads(run("healctl", "check", "--json", check=False))["issues"]
    return issues


def seen() -> set[str]:
    """Their kinds."""
    return {issue["kind"] for issue in look()}


def reason(unit: str) -> str:
    """Why heald does nothing about a unit, in its own words; "" = it has no incident."""
    known = json.loads(run("healctl", "status", "--json", check=False) or '{"incidents": []}')
    return "".join(one["reason"] or "" for one in known["incidents"] if one["subject"] == unit)


def ended_by(unit: str) -> str:
    """Who ended a unit, as `healctl why` tells of its newest incident; "" = that is not known."""
    known = json.loads(run("healctl", "history", "--json", check=False) or '{"incidents": []}')["incidents"]
    numbers = [one["id"] for one in known if one["subject"] == unit]
    return str(json.loads(run("healctl", "why", "--json", numbers[0]))["ended_by"] or "") if numbers else ""
