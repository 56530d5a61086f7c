"""A person is asked for a password at a terminal: a real polkitd, its own terminal agent, a real password."""

import json
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from machine import product
from machine.machine import Machine

PASSWORD = "correct horse"      # noqa: S105  of a user that exists for this test alone
LOCAL_MODES = 3             # in what tcgetattr(3) gives
PLAIN = "\x1b[0m"          # what pkttyagent leaves behind its question


@pytest.fixture(autouse=True, scope="module")
def alice(machine: Machine) -> None:
    """The machine's only administrator; a second one would make polkit ask who it is."""
    machine.run("useradd", "--create-home", "--shell=/bin/sh", "alice")
    machine.run("chpasswd", stdin=f"alice:{PASSWORD}\n")
    machine.run("gpasswd", "--members=alice", "sudo")


class Terminal:
    """A terminal with a program in it."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.shown = ""

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Reads until `text` was shown; fails when it does not come."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} did not come: {self.shown!r}"
            if select.select([self._master], [], [], 0.5)[0]:
                self._read()

    def type_secretly(self, line: str) -> None:
        """Types as soon as nothing typed is shown any more: what comes before that, the agent throws away."""
        end = time.monotonic() + 60
        while termios.tcgetattr(self._master)[LOCAL_MODES] & termios.ECHO:
            assert time.monotonic() < end, "the question came, but what is typed would be shown"
            time.sleep(0.01)
        os.write(self._master, f"{line}\n".encode())

    def read_to_end(self) -> str:
        """All that the program shows until it ends."""
        while self._read():
            pass
        return self.shown

    def _read(self) -> bool:
        try:
            read = os.read(self._master, 4096).decode()
        except OSError:             # EIO: nobody has the other end open any more
            return False
        self.shown += read
        return bool(read)


@contextmanager
def terminal(command: list[str]) -> Iterator[Terminal]:
    """Runs a command with a terminal of its own, which becomes its controlling one."""
    master, slave = pty.openpty()
    program = subprocess.Popen(["setsid", "--ctty", "--wait", *command], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        yield Terminal(master)
    finally:
        os.close(master)            # hangs up: what still runs at it ends
        program.wait(timeout=60)


@pytest.mark.parametrize(("password", "ends"), [(PASSWORD, "report"), ("wrong", "error")])
def test_a_password_decides(machine: Machine, password: str, ends: str) -> None:
    name = f"for-{ends}.service"
    product.add_service(machine, name)
    product.kill(machine, name)
    with terminal([*machine.enter("alice"), *product.call("HealService", "start", name, "--agent")]) as screen:
        screen.wait_for("Password:")
        assert name in screen.shown, "the question does not say which unit it is about"
        screen.type_secretly(password)
        answer = json.loads(screen.read_to_end().splitlines()[-1].removeprefix(PLAIN))
    assert next(iter(answer)) == ends
    assert product.state(machine, name) == ("active" if ends == "report" else "failed")
    assert answer.get("error", "AccessDenied") == "AccessDenied"


def test_without_an_agent_nobody_is_asked(machine: Machine) -> None:
    product.add_service(machine, "unasked.service")
    product.kill(machine, "unasked.service")
    answer = product.heal(machine, "HealService", "start", "unasked.service", user="alice")
    assert answer.error == "InteractiveAuthorizationRequired"
    assert product.state(machine, "unasked.service") == "failed"
