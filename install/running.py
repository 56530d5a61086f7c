"""What the running machine is told: nothing at all where no systemd runs, as in a container that is being built."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LEDGER = Path("/run/heald-helper/ledger.json")


class CommandFailedError(Exception):
    """A command failed; the text is the command and the last of what it said."""


def run(command: list[str], env: Mapping[str, str] | None = None) -> None:
    """Runs a command that must succeed. Raises CommandFailedError."""
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,  # noqa: S603 - fixed commands of ours
                          check=False)
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise CommandFailedError(f"{' '.join(command[:5])}: {' '.join(said[-4:]) or f'exit code {done.returncode}'}")


def is_running() -> bool:
    """Whether systemd runs this machine, as sd_booted(3) tells it."""
    return Path("/run/systemd/system").is_dir()


def packaged() -> list[str]:
    """Which of heald's Debian packages are installed. Of one that was removed dpkg may keep its list, not its sums."""
    return [name for name in ("heald", "heald-helper") if Path(f"/var/lib/dpkg/info/{name}.md5sums").exists()]


def tell_installed() -> None:
    """Makes the users; has systemd and the bus read what is new; a daemon that ran starts again as the new one.

    polkitd sees new rules and actions by itself. The helper, if one runs, ends and is started by the next call.
    """
    if shutil.which("systemd-sysusers"):
        run(["systemd-sysusers"])
    if is_running():
        run(["systemctl", "daemon-reload"])
        _reload_bus()
        run(["systemctl", "stop", "heald-helper.service"])
        run(["systemctl", "try-restart", "heald.service"])
        _tell_sessions("daemon-reload")
        _tell_sessions("try-restart", "heald-session.service")


def stop(units: list[str]) -> None:
    """Lifts what limits are left, stops and disables heald's own units. A template has no name of its own to stop."""
    named = [unit for unit in units if "@" not in unit and "/" not in unit]
    if named and is_running():
        run(["systemctl", "stop", "heald.service"])     # lifts its own
        for unit in _limited():
            try:
                run(["busctl", "--quiet", "call", "org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1",
                     "HealResource", "ssa{sv}", "unlimit", unit, "0"])
            except CommandFailedError as why:
                sys.stderr.write(f"The limit on {unit} stays until the next boot: {why}\n")
        run(["systemctl", "disable", "--now", "--quiet", *named])


def stop_sessions(units: list[str]) -> None:
    """Stops and disables what people's own systemds run."""
    if units and is_running():
        run(["systemctl", "--global", "disable", "--quiet", *units])
        _tell_sessions("stop", *units)


def _tell_sessions(*words: str) -> None:
    """Each systemd of a person who is logged in. One that cannot be told goes on as it is until they log in again."""
    for socket in sorted(Path("/run/user").glob("*/systemd/private")):
        try:
            run(["systemctl", "--user", f"--machine={socket.parts[3]}@.host", *words])
        except CommandFailedError as why:
            sys.stderr.write(f"uid {socket.parts[3]} must log in again: {why}\n")


def _limited() -> list[str]:
    """The units that the helper's ledger names as limited by it."""
    try:
        return [unit for unit in json.loads(LEDGER.read_text())[1] if not unit.startswith("-")]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []


def tell_removed() -> None:
    """systemd and the bus forget what is gone, failed units of ours too."""
    if is_running():
        run(["systemctl", "daemon-reload"])
        run(["systemctl", "reset-failed", "heald*.service"])
        _tell_sessions("daemon-reload")
        _reload_bus()


def _reload_bus() -> None:
    run(["busctl", "--quiet", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
         "ReloadConfig"])
