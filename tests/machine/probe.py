"""What code can do inside the helper's sandbox: tries it, and prints {what: how it ended} as one line of JSON.

Runs as a unit with the helper's own settings, with the helper's own connection to the bus: as if somebody else's code
ran in the helper.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, "/usr/lib/heald/helper")
from heald_helper import loop
from heald_helper.wire import Bus, CallError, Variant

SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
LOGIN = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
TOUCH = ["/usr/bin/touch", ["/usr/bin/touch", "/etc/pwned"], False]
CALLS: dict[str, tuple[tuple[str, str, str], str, str, list[Any], str]] = {
    "run a program as root, by StartTransientUnit": (SYSTEMD, "StartTransientUnit", "ssa(sv)a(sa(sv))", [
        "pwned.service", "fail", [["ExecStart", Variant("a(sasb)", [TOUCH])]], []], "o"),
    "stop a healthy unit": (SYSTEMD, "StopUnit", "ss", ["well.service", "fail"], "o"),
    "kill a healthy unit": (SYSTEMD, "KillUnit", "ssi", ["bystander.service", "all", 9], ""),
    "start a unit that was stopped": (SYSTEMD, "StartUnit", "ss", ["stopped.service", "fail"], "o"),
    "restart a healthy unit that root did not list": (SYSTEMD, "TryRestartUnit", "ss", [
        "bystander.service", "fail"], "o"),
    "start an instance that nobody made": (SYSTEMD, "StartUnit", "ss", ["template@chosen.service", "fail"], "o"),
    "load a kernel module": (SYSTEMD, "StartUnit", "ss", ["modprobe@dummy.service", "fail"], "o"),
    "reload a unit that is never touched": (SYSTEMD, "ReloadUnit", "ss", ["dbus.service", "fail"], "o"),
    "limit a healthy unit, for ever too": (SYSTEMD, "SetUnitProperties", "sba(sv)", [
        "bystander.service", False, [["MemoryMax", Variant("t", 1 << 30)]]], ""),
    "give a unit another program": (SYSTEMD, "SetUnitProperties", "sba(sv)", [
        "bystander.service", True, [["ExecStart", Variant("a(sasb)", [TOUCH])]]], ""),
    "limit a unit that is never touched": (SYSTEMD, "SetUnitProperties", "sba(sv)", [
        "dbus.service", True, [["CPUWeight", Variant("t", 1)]]], ""),
    "set systemd's environment": (SYSTEMD, "SetEnvironment", "as", [["LD_PRELOAD=/tmp/x.so"]], ""),
    "enable a unit": (SYSTEMD, "EnableUnitFiles", "asbb", [["stopped.service"], True, False], "ba(sss)"),
    "have a property of no concern to it lifted": (SYSTEMD, "StartUnit", "ss", [
        "heald-unlimit@MemoryMax:1:well.service.service", "fail"], "o"),
    "power the machine off": (LOGIN, "CanPowerOff", "", [], "s"),       # asked, not done
}


def run_a_shell() -> None:
    os.execv("/bin/sh", ["sh", "-c", "exit 7"])  # noqa: S606


def connect_to(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)


PLAIN: dict[str, Callable[[], object]] = {
    "write to /etc": lambda: Path("/etc/pwned-file").write_text(""),
    "write to /run": lambda: Path("/run/pwned").write_text(""),
    "write a unit below /run": lambda: Path("/run/systemd/system/pwned.service").write_text(""),
    "write its own counts anew": lambda: Path(os.environ["RUNTIME_DIRECTORY"], "probe").write_text(""),
    "write to /dev/shm": lambda: Path("/dev/shm/pwned").write_text(""),
    "read how pressed the machine is": lambda: Path("/sys/fs/cgroup/memory.pressure").read_text(),
    "read root's secrets": lambda: Path("/etc/shadow").read_text(),
    "read somebody's home": lambda: os.listdir("/root"),
    "see other processes": lambda: open("/proc/1/cmdline", "rb").close(),
    "kill a process": lambda: os.kill(1, 0),
    "start a process": os.fork,
    "use systemd's private socket": lambda: connect_to("/run/systemd/private"),
    "use the network": lambda: socket.socket(socket.AF_INET).close(),
    "become root": lambda: os.setuid(0),
    "run a shell": run_a_shell,
}


async def main() -> None:
    ended = {}
    bus = await Bus.connect("unix:path=/run/dbus/system_bus_socket")
    await loop.together(*bus.greet())
    for what, (peer, member, signature, body, expect) in CALLS.items():
        try:
            answer = await bus.call(peer, member, signature, body, expect=expect)
            ended[what] = str(answer[0]) if expect == "s" and answer[0] != "yes" else "done"
        except CallError as error:
            ended[what] = error.name.rpartition(".")[2]
        except TimeoutError:
            ended[what] = "no answer"
    for what, attempt in PLAIN.items():
        try:
            attempt()
            ended[what] = "done"
        except OSError as error:
            ended[what] = str(error.strerror)
    print(json.dumps(ended))


loop.run(main())
