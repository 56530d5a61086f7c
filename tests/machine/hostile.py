"""`hostile.py controller|captured SECONDS`: what the user _heald can ask for, as fast as it can, and what it is told.

Runs inside the machine as _heald. `controller` is an honest one that only knows no measure: it asks for every failed
unit again and again. `captured` is in somebody else's hands and tries everything else as well. The last line is JSON:
{what was tried: {answer: how often}}.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable

from gi.repository import Gio, GLib  # type: ignore[import-untyped]  # PyGObject has no types

HELPER = ("org.heald.Helper1", "/org/heald/Helper1")
SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
POLKIT = ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority")
THREADS = 6
role, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
told: dict[str, Counter[str]] = defaultdict(Counter)
lock = threading.Lock()


def connect() -> Gio.DBusConnection:
    return Gio.DBusConnection.new_for_address_sync(
        "unix:path=/run/dbus/system_bus_socket", Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
        | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)


bus = connect()


def ask(to: tuple[str, str], face: str, member: str, arguments: GLib.Variant | None, *, prompt: bool = False) -> str:
    """The last part of the error's name, a report's state, or "done"."""
    flags = Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if prompt else Gio.DBusCallFlags.NONE
    try:
        reply = bus.call_sync(*to, face, member, arguments, None, flags, 60_000, None)
    except GLib.Error as error:
        return str(Gio.DBusError.get_remote_error(error) or error.message).rpartition(".")[2]
    report = reply.unpack()[0] if reply.n_children() else {}
    return str(report["state"]) if isinstance(report, dict) and "state" in report else "done"


def heal(method: str, operation: str, target: str, options: dict[str, GLib.Variant] | None = None, *,
         prompt: bool = False) -> str:
    arguments = GLib.Variant("(ssa{sv})", (operation, target, options or {}))
    return ask(HELPER, HELPER[0], method, arguments, prompt=prompt)


def any_service(*names: str) -> Callable[[], str]:
    """Any operation on any of these units, sometimes with a prompt or without waiting."""
    def attempt() -> str:
        operation = random.choice(["start", "repair", "restart", "reload"])
        options = random.choice([{}, {"wait": GLib.Variant("u", 0)}])
        return heal("HealService", operation, random.choice(names), options, prompt=random.random() < 0.2)
    return attempt


def any_of(method: str, *pairs: tuple[str, str]) -> Callable[[], str]:
    return lambda: heal(method, *random.choice(pairs))


def systemd_itself() -> str:
    member, arguments = random.choice([
        ("StartUnit", GLib.Variant("(ss)", ("stopped.service", "fail"))),
        ("StopUnit", GLib.Variant("(ss)", ("well.service", "replace"))),
        ("KillUnit", GLib.Variant("(ssi)", ("well.service", "all", 9))),
        ("SetUnitProperties", GLib.Variant("(sba(sv))", (
            "well.service", True, [("MemoryHigh", GLib.Variant("t", 1))]))),
        ("StartTransientUnit", GLib.Variant("(ssa(sv)a(sa(sv)))", ("evil.service", "fail", [], []))),
        ("ResetFailedUnit", GLib.Variant("(s)", ("ill-00.service",))),
        ("Reload", None), ("Reexecute", None),
    ])
    return ask(SYSTEMD, f"{SYSTEMD[0]}.Manager", member, arguments)


def polkit_itself() -> str:
    root = ("unix-process", {"pid": GLib.Variant("u", 1), "start-time": GLib.Variant("t", 0)})
    details = {"operation": "start", "target": "well.service"}
    return ask(POLKIT, f"{POLKIT[0]}.Authority", "CheckAuthorization", GLib.Variant(
        "((sa{sv})sa{ss}us)", (root, "org.heald.helper.service", details, 0, "")))


def the_name() -> str:
    names = ("org.freedesktop.DBus", "/org/freedesktop/DBus")
    return ask(names, names[0], "RequestName", GLib.Variant("(su)", (HELPER[0], 7)))


def a_property() -> str:
    return ask(HELPER, "org.freedesktop.DBus.Properties", "Set", GLib.Variant(
        "(ssv)", (HELPER[0], "Version", GLib.Variant("s", "9"))))


def a_huge_call() -> str:
    return heal("HealService", "start", "x" * 3_000_000)


def calls_without_an_answer() -> str:
    for _ in range(300):
        bus.call(*HELPER, HELPER[0], "HealService", GLib.Variant("(ssa{sv})", ("start", "ill-01.service", {})), None,
                 Gio.DBusCallFlags.NONE, -1, None, None, None)
    bus.flush_sync(None)
    return "sent"


def calls_dropped_in_the_middle() -> str:
    for _ in range(10):
        other = connect()
        for _ in range(5):
            other.call(*HELPER, HELPER[0], "HealService", GLib.Variant("(ssa{sv})", ("start", "slow.service", {})),
                       None, Gio.DBusCallFlags.NONE, -1, None, lambda *_: None, None)
        other.flush_sync(None)
        other.close_sync(None)
    return "sent"


def forged_signals() -> str:
    owner = bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
                          GLib.Variant("(s)", (HELPER[0],)), None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
    for job in range(50):
        bus.emit_signal(owner, SYSTEMD[1], f"{SYSTEMD[0]}.Manager", "JobRemoved", GLib.Variant(
            "(uoss)", (job, f"{SYSTEMD[1]}/job/{job}", "slow.service", "done")))
    return "sent"


def root_s_files() -> str:
    path = random.choice(["/run/heald-helper/ledger.json", "/etc/heald/helper.toml", "/usr/lib/heald/heald-helper",
                          "/run/systemd/system/evil.service", "/run/systemd/system.control/evil.conf"])
    try:
        with open(path, "w", encoding="utf-8") as file:
            return f"wrote {file.name}"
    except OSError as error:
        return str(error.strerror)


def the_helper_s_process() -> str:
    shown = subprocess.run(["systemctl", "show", "--property=MainPID", "--value", "heald-helper.service"],
                           capture_output=True, text=True, check=False).stdout.strip()
    try:
        os.kill(int(shown or 0) or 1, 9)
    except OSError as error:
        return str(error.strerror)
    return "killed"


def failed_units() -> list[str]:
    units = bus.call_sync(*SYSTEMD, f"{SYSTEMD[0]}.Manager", "ListUnitsFiltered", GLib.Variant("(as)", (["failed"],)),
                          None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
    return [unit[0] for unit in units if unit[0].startswith("ill-")]


def an_ill_unit() -> str:
    units = failed_units()
    return heal("HealService", random.choice(["start", "repair"]), random.choice(units)) if units else "none is ill"


CAPTURED: dict[str, Callable[[], str]] = {
    "heals an ill unit": an_ill_unit,
    "heals a healthy unit": any_service("well.service", "well-alias.service"),
    "starts what a person stopped": any_service("stopped.service"),
    "touches a protected unit": any_service("protected.service", "session.service", "dbus.service", "polkit.service",
                                            "systemd-journald.service", "heald-helper.service", "dbus.socket"),
    "names what is no unit": any_service(
        "", "no-such.service", "well.service\n", "../well.service", "a" * 250 + ".service", "template@.service",
        "template@new.service", "-.slice", "init.scope", "x" * 4000),
    "gives odd options": lambda: heal("HealService", "start", "ill-02.service", random.choice([
        {"wait": GLib.Variant("u", 9999)}, {"force": GLib.Variant("b", True)}, {"wait": GLib.Variant("s", "0")}])),
    "cleans without need": any_of(
        "HealResource", ("unlimit", "well.service"), ("limit-cpu", ""), ("limit-cpu", "system.slice"),
        ("clean-temporary", ""), ("clean-packages", ""), ("vacuum-journal", ""), ("vacuum-journal", "/etc")),
    "limits under true pressure": any_of(
        "HealResource", ("limit-memory", "hog.service"), ("limit-cpu", "hog.service"), ("unlimit", "hog.service"),
        ("limit-memory", "dbus.service"), ("limit-memory", "small.service"), ("limit-cpu", "stopped.service")),
    "mends the system without need": any_of(
        "HealSystem", ("restore-permissions", ""), ("run", "unlisted"), ("run", "../x"), ("rollback", ""),
        ("verify-store", ""), ("trim", ""), ("alert", "1")),
    "asks systemd itself": systemd_itself, "asks polkit about root": polkit_itself, "takes the helper's name": the_name,
    "writes a property": a_property, "sends 3 MB": a_huge_call, "wants no answer, 300 times": calls_without_an_answer,
    "leaves 50 calls behind": calls_dropped_in_the_middle, "forges 50 signals": forged_signals,
    "writes root's files": root_s_files, "kills the helper": the_helper_s_process,
}


def work() -> None:
    while time.monotonic() < end:
        name = random.choice(list(CAPTURED)) if role == "captured" else "heals an ill unit"
        try:
            answer = CAPTURED[name]()
        except GLib.Error as error:
            answer = str(error.message)[:60]
        with lock:
            told[name][answer] += 1


workers = [threading.Thread(target=work) for _ in range(THREADS if role == "captured" else 1)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(json.dumps(told))
