"""A terminal with a program in it: what it shows is read, what a person would type is typed."""

import codecs
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOCAL_MODES = 3             # in what tcgetattr(3) gives


class Terminal:
    """A terminal with a program in it."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._decoder = codecs.getincrementaldecoder("utf-8")()     # a read may end within a letter
        self.shown = ""
        self.code = 0               # of the program, when it has ended

    def wait_for(self, text: str, seconds: float = 60, times: int = 1) -> None:
        """Reads until `text` was shown so often; fails when it does not come."""
        end = time.monotonic() + seconds
        while self.shown.count(text) < times:
            assert time.monotonic() < end, f"{text!r} did not come: {self.shown!r}"
            if select.select([self._master], [], [], 0.5)[0]:
                self._read()

    def resize(self, lines: int, columns: int) -> None:
        termios.tcsetwinsize(self._master, (lines, columns))

    @property
    def modes(self) -> list[object]:
        """What tcgetattr(3) gives."""
        return termios.tcgetattr(self._master)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

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
            read = os.read(self._master, 4096)
        except OSError:             # EIO: nobody has the other end open any more
            return False
        self.shown += self._decoder.decode(read)
        return bool(read)


@contextmanager
def terminal(command: list[str], size: tuple[int, int] = (0, 0)) -> Iterator[Terminal]:
    """Runs a command with a terminal of its own, which becomes its controlling one; `size` is lines and columns."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, size)
    program = subprocess.Popen(["setsid", "--ctty", "--wait", *command], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    screen = Terminal(master)
    try:
        yield screen
    finally:
        os.close(master)            # hangs up: what still runs at it ends
        screen.code = program.wait(timeout=60)
