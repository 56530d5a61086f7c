"""Who ended a unit, from entries of the journal as the kernel, systemd, systemd-oomd and sudo write them."""

import pytest

from heald.readings import Unit
from heald.sensors.killers import COREDUMP, SUDO, Entry, judged

DEAD = Unit("shop.service", active_state="failed", result="signal", exec_main_status=9, main_pid=4711)


def kernel(words: str) -> Entry:
    return {"_TRANSPORT": "kernel", "MESSAGE": words}


def manager(words: str) -> Entry:
    return {"_TRANSPORT": "journal", "_PID": "1", "MESSAGE": words}


def sudo(command: str) -> Entry:
    words = f"   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND={command}"
    return {"_EXE": SUDO, "_TRANSPORT": "syslog", "MESSAGE": words}


def oomd(words: str) -> Entry:
    return {"_SYSTEMD_UNIT": "systemd-oomd.service", "_TRANSPORT": "journal", "MESSAGE": words}


OOM = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,task_memcg=/system.slice/{},task=java,pid=5,uid=0"
CLIENT = "shop.service: Sent signal SIGKILL to main process 4711 (sleep) on client request."


@pytest.mark.parametrize(("unit", "entries", "begin", "has"), [
    (DEAD, [kernel(OOM.format("shop.service"))], "the kernel, for want of memory", "task=java"),
    (DEAD, [kernel("Out of memory: Killed process 4711 (java) total-vm:8kB")], "the kernel, for want of m", "4711"),
    (Unit("shop.service", result="oom-kill"), [], "the kernel, for want of memory", ""),
    (DEAD, [manager("shop.service: systemd-oomd killed 3 process(es) in this unit.")], "systemd-oomd, for", "3 pro"),
    (DEAD, [oomd("Killed /system.slice/shop.service due to memory used")], "systemd-oomd, for want", "due to memory"),
    (DEAD, [manager(CLIENT)], "a person or a program of theirs", "SIGKILL"),
    (DEAD, [sudo("/usr/bin/kill -9 4711")], "a person or a program of theirs", "alice"),
    (DEAD, [sudo("/usr/bin/systemctl kill shop"), manager(CLIENT)], "a person or a program of theirs", "alice"),
    (DEAD, [{"MESSAGE_ID": COREDUMP, "MESSAGE": "Process 4711 (shop) dumped core.", "COREDUMP_PID": "4711",
             "COREDUMP_SIGNAL_NAME": "SIGSEGV", "COREDUMP_EXE": "/usr/bin/shop"}],
     "a crash of its own: SIGSEGV in /usr/bin/shop", "coredumpctl info 4711"),
    (DEAD, [], "SIGKILL, sent by a process of which nothing is recorded", ""),
    (Unit("shop.service", result="core-dump", exec_main_status=11), [], "a crash of its own: SIGSEGV", ""),
    (Unit("shop.service", result="exit-code", exec_main_status=3), [], "itself: it ended with exit status 3", ""),
    (Unit("shop.service", result="exit-code"), [], "itself: a command of it failed", ""),
    (Unit("shop.service", result="watchdog", exec_main_status=6), [], "systemd: it did not report", "WatchdogSec"),
    (Unit("shop.service", result="signal", exec_main_status=99), [], "signal 99", ""),
    (Unit("tmp.mount", result="something new"), [], "", ""),
])
def test_who_ended_it(unit: Unit, entries: list[Entry], begin: str, has: str) -> None:
    said = judged(unit, entries)
    assert said.startswith(begin)
    assert has in said
    assert bool(said) == bool(begin)


@pytest.mark.parametrize("entry", [
    kernel(OOM.format("other.service")), kernel("Out of memory: Killed process 47110 (java)"),
    kernel("oom-kill: shop.service"), manager("shop.service: Failed with result 'signal'."),
    sudo("/usr/bin/kill -9 47111"), sudo("/usr/bin/systemctl kill workshop.service"),
    sudo("/usr/bin/systemctl kill shop-two.service"), sudo("/usr/bin/less /etc/shop.service"),
    oomd("Killed /system.slice/other.service due to memory"),
    {"_EXE": "/usr/bin/logger", "SYSLOG_IDENTIFIER": "sudo", "MESSAGE": "mallory : COMMAND=/usr/bin/kill -9 4711"},
    {"_EXE": "/usr/bin/logger", "MESSAGE": CLIENT}, {"_PID": "1", "MESSAGE": [1, 2, 3]}, {},
])
def test_what_says_nothing_of_it(entry: Entry) -> None:
    assert judged(DEAD, [entry]) == "SIGKILL, sent by a process of which nothing is recorded (auditd would)"


def test_a_process_of_no_known_number_is_nobody_s() -> None:
    unit = Unit("shop.service", result="signal", exec_main_status=9)
    assert judged(unit, [kernel("Killed process 0 (x)")]).startswith("SIGKILL")
