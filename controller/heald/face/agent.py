"""At a terminal without a desktop polkit has nobody to ask: pkttyagent asks for the password here."""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PR_SET_PDEATHSIG = 1        # linux/prctl.h
READY = 5.0                 # seconds until pkttyagent has registered; it takes 8 to 50 ms


@contextmanager
def password_agent(*, wanted: bool) -> Iterator[None]:
    """While this lasts polkit can ask for a password at this terminal; root and pipes need none."""
    if not wanted or os.geteuid() == 0 or not sys.stdin.isatty():
        yield
        return
    agent = _start()
    try:
        yield
    finally:
        if agent is not None:
            agent.terminate()
            agent.wait()


def _start() -> subprocess.Popen[bytes] | None:
    """pkttyagent for this very process, which owns the bus connection; None where it is not installed.

    Not as a --fallback: polkit finds one only for a process in a login session, which a shell of su(1) or a container
    has not. So who types at a terminal is asked there, also on a desktop.
    """
    libc = ctypes.CDLL(None)        # found before the fork: nothing may be loaded between fork and exec
    reader, writer = os.pipe()
    try:
        agent = subprocess.Popen(
            ["pkttyagent", "--process", f"{os.getpid()},{_start_time()}", "--notify-fd", str(writer)],
            pass_fds=(writer,),
            # An agent that outlives a killed caller keeps the terminal's echo off.
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
        )
    except FileNotFoundError:
        return None
    finally:
        os.close(writer)
    select.select([reader], [], [], READY)      # it closes its end when it has registered, or when it ends
    os.close(reader)
    return agent


def _start_time() -> str:
    """Field 22 of proc_pid_stat(5): with the pid it names a process for good."""
    return Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[19]
