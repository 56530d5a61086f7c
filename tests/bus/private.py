"""A private bus with heald's own policy, stand-ins for systemd and polkit on it, and the real helper.

It plays in a mount namespace in which /etc is an overlay: there are the users that the policy names, and root's own
file helper.toml. That needs root; the bus activates the helper as the system bus would, without systemd's sandbox.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dbus_next.signature import Variant

from bus.caller import HELPER, SECONDS, Caller, Reply

SOURCE = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
SYSTEMD_TEMPLATE = str(HERE / "template_systemd.py")
HEALD, OWN_USER, ALICE, NOBODY = 61001, 61002, 61003, 65534
GUESTS = range(61010, 61016)
USERS = {"_heald": HEALD, "_heald-helper": OWN_USER, "alice": ALICE, **{f"guest-{uid}": uid for uid in GUESTS}}
MOCK = "org.freedesktop.DBus.Mock"
SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", MOCK)
POLKIT = ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", MOCK)
"""Where the stand-ins are told what to do."""
ACTIONS = [f"org.heald.helper.{name}" for name in ("service", "resource", "system", "run")]

# The rules are those of the distributions' system.conf; heald's own file comes after them, as it does there.
CONFIG = """<busconfig><type>session</type><listen>unix:path={work}/socket</listen><auth>EXTERNAL</auth>
<servicedir>{work}/services</servicedir>
<policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
<allow send_destination="org.freedesktop.DBus"/></policy>
<policy user="root"><allow own="*"/><allow send_destination="*"/></policy>
<include>{source}/dbus/org.heald.Helper1.conf</include>
<include>{source}/dbus/org.heald.Controller1.conf</include></busconfig>"""
SETUP = """set -eu
mount -t tmpfs -o mode=755 etc "$1/etc"
mkdir "$1/etc/upper" "$1/etc/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$1/etc/upper,workdir=$1/etc/work" etc /etc
printf '%s' "$2" >> /etc/passwd
printf '%s' "$3" >> /etc/group
rm -rf /etc/heald
mkdir /etc/heald
exec dbus-daemon --nofork --print-address --config-file="$1/bus.conf"
"""


class CannotPlayError(Exception):
    """This host cannot set it up; the text says why in one line."""


class Stage:
    """The bus and who is on it. `root` is the test itself; others come by `as_user`."""

    def __init__(self, work: Path, daemon: "subprocess.Popen[str]") -> None:
        self._work, self._daemon = work, daemon
        self.loop = asyncio.new_event_loop()
        self._callers: list[Caller] = []
        self.address = f"unix:path={work}/socket"
        self.counts = work / "run/ledger.json"       # the helper's own
        self.root = Caller(self.loop, self.address)

    def as_user(self, uid: int) -> Caller:
        """Another connection, closed after the test."""
        self._callers.append(Caller(self.loop, self.address, uid))
        return self._callers[-1]

    def fresh(self) -> None:
        """As if nothing had happened: no helper, no counts, no file of root's, polkit says yes, systemd has no unit."""
        for caller in self._callers:
            caller.close()
        self._callers.clear()
        self.stop_helper()
        self.counts.unlink(missing_ok=True)
        self.helper_toml("")
        self.times()
        for stand_in in (SYSTEMD, POLKIT):
            self.told(self.root.call(stand_in, "Reset"))
            self.told(self.root.call(stand_in, "ClearCalls"))
        self.allow(*ACTIONS)
        self.root.heard.clear()

    def stop_helper(self) -> None:
        """Ends the helper that runs, if one does, as a crash would; the next call starts another."""
        if pid := self.helper_pid():
            os.kill(pid, 9)
            self.until(lambda: not self.helper_pid(), "the killed helper is gone")

    def is_there(self, name: str) -> bool:
        """Whether somebody owns this name."""
        return bool(self.root.bus("NameHasOwner", "s", name).body[0])

    def helper_pid(self) -> int:
        """0 where none runs."""
        reply = self.root.bus("GetConnectionUnixProcessID", "s", HELPER)
        return 0 if reply.error else int(reply.body[0])

    def helper_memory(self, *, peak: bool = False) -> int:
        """Bytes of memory that the helper has in use, or had at most."""
        status = Path(f"/proc/{self.helper_pid()}/status").read_text()
        [line] = [line for line in status.splitlines() if ("VmHWM" if peak else "VmRSS") in line]
        return int(line.split()[1]) * 1024

    def helper_name(self) -> str:
        """The unique name of the helper that runs."""
        return str(self.root.bus("GetNameOwner", "s", HELPER).body[0])

    def helper_toml(self, text: str) -> None:
        """Root's own file; "" removes it."""
        file = Path(f"/proc/{self._daemon.pid}/root/etc/heald/helper.toml")
        if text:
            file.write_text(text)
        else:
            file.unlink(missing_ok=True)

    def times(self, **modules: dict[str, Any]) -> None:
        """Shortens times of the next helper, or changes a name in it: module={"NAME": value}."""
        (self._work / "times.json").write_text(json.dumps(modules))

    def log(self) -> str:
        """What the helpers wrote for the journal."""
        return (self._work / "log").read_text(errors="replace")

    def unit(self, name: str, state: str = "failed", more: dict[str, Variant] | None = None) -> None:
        """systemd has this unit, in this ActiveState, with more properties than a plain one."""
        self.systemd("AddUnit", "sa{sv}", name, {"ActiveState": Variant("s", state), **(more or {})})

    def systemd(self, member: str, signature: str = "", *body: Any) -> Reply:
        """Tells the stand-in for systemd."""
        return self.told(self.root.call(SYSTEMD, member, signature, body))

    def asked(self, member: str) -> list[list[Any]]:
        """What systemd was asked by this name, each call's arguments."""
        return [call[1] for call in self.systemd("GetMethodCalls", "s", member).body[0]]

    def checks(self, member: str = "CheckAuthorization") -> list[list[Any]]:
        """What polkit was asked by this name."""
        reply = self.root.call(POLKIT, "GetMethodCalls", "s", [member])
        return [call[1] for call in self.told(reply).body[0]]

    def until_asked(self, count: int, member: str = "CheckAuthorization") -> None:
        """Returns when polkit was asked by this name so often."""
        self.until(lambda: len(self.checks(member)) >= count, f"polkit was asked {member} {count} times")

    def allow(self, *actions: str) -> None:
        """polkit says yes to these and no to all others."""
        self.told(self.root.call(POLKIT, "SetAllowed", "as", [list(actions)]))

    def polkit_hangs(self, *, hangs: bool) -> None:
        """polkit answers no more, or answers again, also to what it was asked meanwhile."""
        self.told(self.root.call(POLKIT, "SimulateHang", "b", [hangs]))
        if not hangs:
            self.told(self.root.call(POLKIT, "ReleaseHangingCalls"))

    def polkit(self, member: str, takes: str, gives: str, code: str) -> None:
        """polkit's method does this instead, for the rest of the test."""
        self.told(self.root.call(POLKIT, "AddMethod", "sssss",
                                 ["org.freedesktop.PolicyKit1.Authority", member, takes, gives, code]))

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Returns as soon as `holds`; fails the test when that takes longer than any busy host needs."""
        last = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < last, f"after {SECONDS} s it is still not so that {what}"
            self.root.pause(0.01)

    def close(self) -> None:
        for caller in (*self._callers, self.root):
            caller.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    @staticmethod
    def told(reply: Reply) -> Reply:
        """The reply of a stand-in, which never is an error."""
        assert not reply.error, f"{reply.error}: {reply.text}"
        return reply


@contextmanager
def stage(work: Path) -> Iterator[Stage]:
    """Everything runs; all of it is gone afterwards. CannotPlayError where it cannot be set up."""
    if os.geteuid() != 0:
        raise CannotPlayError("a bus with heald's own users needs root")
    with ExitStack() as stack:
        daemon = stack.enter_context(_bus(work))
        for template in (SYSTEMD_TEMPLATE, "polkitd"):
            stack.enter_context(stand_in(work, template))
        played = Stage(work, daemon)
        stack.callback(played.close)
        for name in (SYSTEMD[0], POLKIT[0]):
            played.until(partial(played.is_there, name), f"the stand-in for {name} is there")
        yield played


@contextmanager
def stand_in(work: Path, template: str) -> Iterator[None]:
    """One more stand-in on the bus; it takes the name from one that has it."""
    command = [sys.executable, "-m", "dbusmock", "--system", "--template", template]
    with _running(command, {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={work}/socket"}):
        yield


@contextmanager
def _bus(work: Path) -> Iterator["subprocess.Popen[str]"]:
    for folder in ("etc", "services", "run"):
        (work / folder).mkdir()
    work.chmod(0o755)
    (work / "bus.conf").write_text(CONFIG.format(work=work, source=SOURCE))
    (work / "services/helper.service").write_text(
        f"[D-BUS Service]\nName={HELPER}\nExec={sys.executable} {HERE}/run_helper.py\n")
    (work / "times.json").write_text("{}")
    passwd = "".join(f"{name}:x:{uid}:{uid}::/:/usr/sbin/nologin\n" for name, uid in USERS.items())
    group = "".join(f"{name}:x:{uid}:\n" for name, uid in USERS.items())
    environment = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={work}/socket", "RUNTIME_DIRECTORY": f"{work}/run",
                   "PYTHONPATH": f"{SOURCE}/helper", "HEALD_TEST_TIMES": f"{work}/times.json",
                   "HEALD_TEST_CGROUPS": f"{work}/cgroups"}
    command = ["unshare", "--mount", "--propagation=private", "sh", "-c", SETUP, "sh", str(work), passwd, group]
    with (work / "log").open("w") as log, _running(command, environment, stdout=subprocess.PIPE, stderr=log) as daemon:
        assert daemon.stdout is not None
        if not daemon.stdout.readline():
            raise CannotPlayError(f"no private bus: {(work / 'log').read_text().strip()}")
        yield daemon


@contextmanager
def _running(command: list[str], environment: dict[str, str], stdout: int = subprocess.DEVNULL,
             stderr: Any = subprocess.DEVNULL) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=stdout,
                               stderr=stderr, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
