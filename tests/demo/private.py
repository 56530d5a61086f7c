"""The same three faults where no machine can be booted: heald and its helper are real, systemd and polkit stand-ins.

All of it plays in a mount namespace of its own, where /tmp and /var/log are empty file systems in memory: what is
broken there, and what is healed, no other process can see.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo import faults
from demo.faults import JOURNAL, JOURNAL_SIZE, SERVICE
from demo.stage import Stage, play, say
from demo.story import Incident, Outcome
from machine.machine import SOURCE

OWN = Path("/tmp/heald-demo")
BUS = """<busconfig><type>session</type><listen>unix:path=/tmp/heald-demo/bus</listen><auth>EXTERNAL</auth>
<servicedir>/tmp/heald-demo</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""


class CannotShowError(Exception):
    """The text says why in one line."""


def command(*, as_json: bool) -> list[str]:
    """The demo again, in namespaces in which it may mount; an ordinary user needs one for users too."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    own = [sys.executable, "-m", "demo", f"--stand-ins={_namespace()}"]
    return ["unshare", *user, "--mount", "--propagation=private", *own, *(["--json"] if as_json else [])]


def show(outer: str) -> list[Outcome]:
    """Breaks, watches and tells, in the namespace that `command` made; `outer` is the one it was made from."""
    if _namespace() == outer:
        raise CannotShowError("it would break this machine itself: run `make demo`")
    say("WITH STAND-INS: heald and its helper are the real ones, on a private bus; systemd and polkit are only played.")
    _mount_tmp()
    _mount("/var/log", "size=1m,mode=755")
    Path(JOURNAL).mkdir()
    _mount(JOURNAL, f"size={JOURNAL_SIZE},mode=755")
    OWN.mkdir()
    (OWN / "bus.conf").write_text(BUS)
    (OWN / "org.heald.Helper1.service").write_text(
        f"[D-BUS Service]\nName=org.heald.Helper1\nExec={sys.executable} -m heald_helper\n")
    with _running("dbus-daemon", f"--config-file={OWN}/bus.conf", "--nofork", "--print-address", says="unix:"), \
            _running(sys.executable, "-m", "demo.stand_ins", says="ready"), \
            _running(sys.executable, "-c", "from heald.daemon import main; main()", says="watches"):
        say("Three things break, one per category.")
        return play(Stage(_faults(), _incidents))


def _mount_tmp() -> None:
    """An empty /tmp, but for the checkout, where that lies in it."""
    checkout = os.open(SOURCE, os.O_PATH)
    _mount("/tmp", "size=512m,mode=1777")
    if SOURCE.is_relative_to("/tmp"):
        SOURCE.mkdir(parents=True)
        subprocess.run(["mount", "--no-canonicalize", "--bind", f"/proc/self/fd/{checkout}", SOURCE], check=True,
                       pass_fds=[checkout])
    os.close(checkout)


def _namespace() -> str:
    return os.readlink("/proc/self/ns/mnt")


def _mount(where: str, options: str) -> None:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "demo", where], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise CannotShowError(f"nothing can be mounted here: {done.stderr.strip()}")


@contextmanager
def _running(*program: str, says: str) -> Iterator[None]:
    """A program of the demo, from the moment it `says` that it is ready."""
    process = subprocess.Popen(program, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line, last = "", ""
    try:
        while says not in line:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise CannotShowError(f"{' '.join(program[-2:])} ended before it was ready: {last.strip()}")
            last = line
        yield
    finally:
        process.terminate()
        process.wait()


def _faults() -> list[faults.Fault]:
    journal = Path(JOURNAL) / "system.journal"

    def fill() -> None:
        with journal.open("wb") as full:
            for _ in range(_megabytes() * (faults.FULL + 1) // 100):
                full.write(bytes(1 << 20))

    return [faults.service(lambda: os.kill(_service(), 9), lambda: _service() > 0),
            faults.resource(fill, lambda: not journal.exists()),
            faults.system(lambda: Path("/tmp").chmod(0o755), lambda: Path("/tmp").stat().st_mode & 0o7777 == 0o1777)]


def _megabytes() -> int:
    disk = os.statvfs(JOURNAL)
    return disk.f_blocks * disk.f_frsize >> 20


def _service() -> int:
    """The pid of the service while it runs."""
    shown = _ask("busctl", "--json=short", "get-property", "org.freedesktop.systemd1",
                 f"/org/freedesktop/systemd1/unit/{SERVICE.replace('.', '_2e')}", "org.freedesktop.systemd1.Service",
                 "MainPID")
    return int(json.loads(shown)["data"])


def _incidents() -> list[Incident]:
    """From the daemon: its history lies in a folder of the demo, where `healctl history` does not look."""
    shown = _ask(sys.executable, "-c", "from heald.face.cli import main; main()", "status", "--json")
    found: list[Incident] = json.loads(shown)["incidents"]
    return found


def _environment() -> dict[str, str]:
    parts = (str(SOURCE / part) for part in ("controller", "helper", "tests"))
    return {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={OWN}/bus", "RUNTIME_DIRECTORY": str(OWN),
            "STATE_DIRECTORY": str(OWN), "PYTHONPATH": ":".join(parts)}


def _ask(*program: str) -> str:
    done = subprocess.run(program, env=_environment(), capture_output=True, text=True, check=False)
    if not done.stdout:                 # its exit code tells of issues
        raise CannotShowError(f"{program[0]}: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
    return done.stdout
