"""Who ended a unit, as far as the journal tells: the kernel, systemd-oomd, a person, a crash of its own."""

import re
import signal
from collections.abc import Iterable, Mapping

from .. import clock
from ..readings import Unit
from . import journal

EARLIER = 10.0              # seconds before its end that are looked at
LINES = 300                 # entries that are looked at, the newest
LONGEST = 300               # characters of the answer
SUDO = "/usr/bin/sudo"
COREDUMP = "fc2e22bc6ee647b6b90729ab34a250b1"       # MESSAGE_ID of systemd-coredump's entry
_FIELDS = "MESSAGE,MESSAGE_ID,_TRANSPORT,_PID,_EXE,_SYSTEMD_UNIT,COREDUMP_SIGNAL_NAME,COREDUMP_EXE,COREDUMP_PID"

_ENDS = r"\b(?:kill|pkill|killall|stop|restart)\b"     # a command that ends something
_CRASHES = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS"})

Entry = Mapping[str, object]

_BY_SYSTEMD = {
    "timeout": "systemd: it did not start or stop in time, or ran for longer than RuntimeMaxSec=",
    "watchdog": "systemd: it did not report to its watchdog in time (WatchdogSec=)",
    "protocol": "itself: it ended before it told systemd that it was ready",
    "start-limit-hit": "systemd: it was started too often in too short a time (StartLimitBurst=)",
    "resources": "systemd could not start it for want of something: a file, memory, a user",
    "dependency": "systemd could not start what it requires",
}
"""systemd's Result of a unit that was not ended by a signal from elsewhere."""


async def killer(unit: Unit) -> str:
    """Who ended this failed unit, in words; "" where nothing is known. It never raises."""
    ended = (unit.main_exit or unit.inactive_enter) / 1e6
    since = clock.wall() - (clock.monotonic() - ended) - EARLIER if ended else clock.wall() - EARLIER
    name = unit.name
    found = await journal.entries(
        f"--output-fields={_FIELDS}", f"--since=@{since:.3f}", f"--lines={LINES}",
        "_TRANSPORT=kernel", "+", "_PID=1", f"UNIT={name}", "+", "_SYSTEMD_UNIT=systemd-oomd.service", "_UID=0",
        "+", f"_EXE={SUDO}", "+", f"MESSAGE_ID={COREDUMP}", f"COREDUMP_UNIT={name}", "_UID=0")
    return judged(unit, found)[:LONGEST].encode(errors="replace").decode()


def judged(unit: Unit, entries: Iterable[Entry]) -> str:
    """The same from entries of the journal, oldest first. Only fields that no one can forge are believed."""
    said: dict[str, str] = {}
    for entry in entries:
        if (who := _speaker(unit, entry)) is not None:
            said[who] = " ".join(str(entry.get("MESSAGE", "")).split())
            if who == "crash":
                said[who] = (f"{entry.get('COREDUMP_SIGNAL_NAME', 'a signal')} in {entry.get('COREDUMP_EXE', 'it')}; "
                             f"coredumpctl info {entry.get('COREDUMP_PID', '')} tells more")
    if "kernel" in said or unit.result == "oom-kill":
        return ": ".join(filter(None, ("the kernel, for want of memory", said.get("kernel"))))
    if "oomd" in said:
        return f"systemd-oomd, for want of memory: {said['oomd']}"
    if asked := [said[who] for who in ("manager", "sudo") if who in said]:
        return f"a person or a program of theirs: {'; '.join(asked)}"
    return f"a crash of its own: {said['crash']}" if "crash" in said else _by_itself(unit)


def _speaker(unit: Unit, entry: Entry) -> str | None:
    """Who says something about the end of the unit in this entry; None: it is about something else."""
    words = str(entry.get("MESSAGE", ""))
    if entry.get("_TRANSPORT") == "kernel":
        return "kernel" if _is_kill_of(unit, words) else None
    if entry.get("_PID") == "1":
        return "manager" if "on client request" in words else "oomd" if "systemd-oomd killed" in words else None
    if entry.get("_SYSTEMD_UNIT") == "systemd-oomd.service":
        return "oomd" if words.startswith("Killed ") and f"/{unit.name} " in words else None
    if entry.get("MESSAGE_ID") == COREDUMP:
        return "crash"
    return "sudo" if entry.get("_EXE") == SUDO and _names(unit, words) else None


def _is_kill_of(unit: Unit, words: str) -> bool:
    """One of the kernel's lines about a process that it killed for memory: by its cgroup, or by the main process."""
    if f"/{unit.name}," in words and words.startswith("oom-kill:"):
        return True
    return bool(unit.main_pid) and re.search(rf"[Kk]illed process {unit.main_pid}\b", words) is not None


def _names(unit: Unit, words: str) -> bool:
    """Whether a command that somebody gave through sudo is about this unit or its main process."""
    command, stem = words.partition("COMMAND=")[2], re.escape(unit.name.rpartition(".")[0])
    target = rf"{stem}(?:\.\w+)?|{unit.main_pid}" if unit.main_pid else rf"{stem}(?:\.\w+)?"
    return re.search(rf"{_ENDS}.*?(?<![\w-])(?:{target})(?![\w-])", command) is not None


def _by_itself(unit: Unit) -> str:
    status = unit.exec_main_status
    if unit.result == "exit-code":
        return f"itself: it ended with exit status {status}" if status else "itself: a command of it failed"
    if unit.result in {"signal", "core-dump"}:
        name = signal.Signals(status).name if status in set(signal.Signals) else f"signal {status}"
        if unit.result == "core-dump" or name in _CRASHES:
            return f"a crash of its own: {name}; systemd-coredump kept nothing of it"
        return f"{name}, sent by a process of which nothing is recorded (auditd would)"
    return _BY_SYSTEMD.get(unit.result, "")
