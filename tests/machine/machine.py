"""Boots a throw-away machine with a real systemd and runs commands in it.

systemd-nspawn boots an overlay of this host's own root: nothing is downloaded, nothing of the host is changed, and the
machine is gone with the process that booted it, even when that is killed: systemd-nspawn alone would leave it running,
so it is pid 1 of a pid namespace, which takes all with it.
"""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BOOT_SECONDS = 60           # 0.4 s here; a slow disk or a busy host may need many times that
_count = itertools.count()


class CannotBootError(Exception):
    """This host cannot boot a machine; the text says why in one line."""


class Machine:
    """A booted machine. Commands run as root in its namespaces unless a user is given."""

    def __init__(self, name: str, leader: int, nspawn: "subprocess.Popen[bytes]") -> None:
        self.name = name
        self.leader = leader            # its pid 1, as the host numbers it
        self._nspawn = nspawn

    @classmethod
    @contextmanager
    def boot(cls, name: str = "heald", size: str = "2g") -> Iterator["Machine"]:
        """A machine that is ready; halted and forgotten at the end. `size` bounds all it writes outside its tmpfs.

        Raises CannotBootError where that cannot be done.
        """
        _check_host()
        name = f"{name}-{os.getpid()}-{next(_count)}"
        cgroups = _make_cgroups(name)
        try:
            with tempfile.TemporaryDirectory(prefix=f"{name}-") as work:
                machine = cls._start(name, Path(work), size, cgroups)
                try:
                    yield machine
                finally:
                    machine.halt()
        finally:
            for cgroup in cgroups:
                _remove_cgroup(cgroup)

    @classmethod
    def _start(cls, name: str, work: Path, size: str, cgroups: list[Path]) -> "Machine":
        root, console = work / "machine", work / "console"
        root.mkdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, console.open("wb") as out:
            ready.bind(str(work / "ready"))
            nspawn = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL",
                 "unshare", "--fork", "--pid", "--kill-child=KILL", "--mount", "--mount-proc",
                 "sh", str(SOURCE / "tests/machine/boot.sh"), name, str(root), size, str(SOURCE), *map(str, cgroups)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**_PLAIN, "NOTIFY_SOCKET": str(work / "ready")})
            try:
                _wait_until_ready(ready, nspawn)
                return cls(name, _leader(nspawn.pid), nspawn)
            except (TimeoutError, ChildProcessError) as why:
                _end(nspawn)
                said = [line for line in console.read_text(errors="replace").splitlines() if line.strip()]
                raise CannotBootError(f"systemd-nspawn {why}: {said[-1] if said else 'it said nothing'}") from None

    def reboot(self) -> None:
        """Has it boot again, with all that was written but not in /run; returns when its bus is there."""
        before = self.leader
        self.run("systemctl", "reboot", check=False)
        end = time.monotonic() + BOOT_SECONDS
        while self.leader == before or self._state() in {"", "offline"}:
            assert time.monotonic() < end, "it did not boot again"
            time.sleep(0.1)
            with suppress(OSError, IndexError):
                self.leader = _leader(self._nspawn.pid)

    def _state(self) -> str:
        return self.run("systemctl", "is-system-running", check=False).stdout.strip()

    def halt(self) -> None:
        """Ends the machine at once: nothing in it is worth a clean shutdown."""
        _end(self._nspawn)

    def run(self, *command: str, user: str | None = None, check: bool = True, stdin: str = "",
            env: Mapping[str, str] | None = None, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
        """Runs a command in the machine's namespaces (2 ms), not in a unit of its own: use `unit_run` for that.

        Raises CommandError when it fails and `check` is set.
        """
        done = subprocess.run([*self.enter(user), *command], input=stdin, env=env or _PLAIN, capture_output=True,
                              text=True, timeout=timeout, check=False)
        if check and done.returncode:
            raise CommandError(command, done)
        return done

    def enter(self, user: str | None = None) -> list[str]:
        """The words to put before a command that shall run in the machine."""
        enter = ["nsenter", f"--target={self.leader}", "--all", "--wdns=/", "--"]
        if user is None:
            return enter
        group = "nogroup" if user == "nobody" else user         # everyone else has a group of their own name
        return [*enter, "setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "--"]

    def unit_run(self, *command: str, user: str = "root", check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Runs a command in a transient unit, for what needs a cgroup or a session of its own (11 ms)."""
        run = ("systemd-run", "--wait", "--pipe", "--quiet", "--collect", f"--uid={user}")
        return self.run(*run, *command, check=check)

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """Writes a file, and the folders above it. Done inside, so that no link leads out to the host."""
        self.run("sh", "-c", 'mkdir -p "${1%/*}" && cat > "$1" && chmod "$2" "$1"', "sh", path, mode, stdin=text)

    def read(self, path: str) -> str:
        return self.run("cat", path).stdout

    def exists(self, path: str) -> bool:
        return self.run("test", "-e", path, check=False).returncode == 0

    def journal(self, *match: str) -> str:
        """The messages of the journal that match, for instance "-u", "heald.service"."""
        return self.run("journalctl", "--no-pager", "--output=cat", *match).stdout


class CommandError(Exception):
    """A command in the machine failed; the text has the command, its exit code and all it said."""

    def __init__(self, command: tuple[str, ...], done: "subprocess.CompletedProcess[str]") -> None:
        super().__init__(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


_PLAIN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}


def _check_host() -> None:
    if os.geteuid() != 0:
        raise CannotBootError("booting a machine needs root")
    for tool, package in (("systemd-nspawn", "systemd-container"), ("nsenter", "util-linux"), ("dbus-daemon", "dbus")):
        if shutil.which(tool) is None:
            raise CannotBootError(f"{tool} is not installed (package {package})")


def _wait_until_ready(ready: socket.socket, nspawn: "subprocess.Popen[bytes]") -> None:
    """Returns once nspawn has passed on the machine's READY=1."""
    ready.settimeout(0.5)
    for _ in range(BOOT_SECONDS * 2):
        try:
            message = ready.recv(4096).decode()
        except TimeoutError:
            if nspawn.poll() is not None:
                raise ChildProcessError(f"ended with {nspawn.returncode}") from None
            continue
        if "READY=1" in message.splitlines():
            return
    raise TimeoutError(f"was not ready in {BOOT_SECONDS} s")


def _leader(unshare: int) -> int:
    """The machine's pid 1, below unshare, boot.sh and nspawn."""
    return _child(_child(_child(unshare)))


def _child(pid: int) -> int:
    """The one child of a process."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _end(nspawn: "subprocess.Popen[bytes]") -> None:
    """Kills unshare's child, and with it every process of the machine; unshare ends when the kernel has buried them."""
    with suppress(OSError, IndexError):
        os.kill(_child(nspawn.pid), signal.SIGKILL)
    try:
        nspawn.wait(timeout=20)
    except subprocess.TimeoutExpired:
        nspawn.kill()
        nspawn.wait()


def _make_cgroups(name: str) -> list[Path]:
    """A cgroup for the machine, in the unified hierarchy and, on a hybrid host, in systemd's own too."""
    top = Path("/sys/fs/cgroup")
    parents = [top] if (top / "cgroup.procs").exists() else [top / "unified", top / "systemd"]
    made = [parent / name for parent in parents if (parent / "cgroup.procs").exists()]
    try:
        for cgroup in made:
            cgroup.mkdir()
    except OSError as why:
        raise CannotBootError(f"cannot make a cgroup for it: {why}") from None
    return made


def _remove_cgroup(cgroup: Path) -> None:
    """Removes an empty cgroup and those below it, which systemd leaves behind."""
    for folder, _, _ in os.walk(cgroup, topdown=False):
        os.rmdir(folder)
