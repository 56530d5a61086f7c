"""A terminal's keys, one at a time and unseen; as it was before in the end."""

import os
import sys
import termios
import tty
from collections.abc import Iterator

SEQUENCES = {b"\x1b[A": "up", b"\x1b[B": "down", b"\x1bOA": "up", b"\x1bOB": "down"}
NAMES = {"\x1b": "escape", "\r": "enter", "\n": "enter"}


class Keyboard:
    """Standard input in cbreak mode while this lasts: signals still come from Ctrl-C."""

    def __init__(self) -> None:
        self.fileno = sys.stdin.fileno()

    def __enter__(self) -> "Keyboard":
        self._before = termios.tcgetattr(self.fileno)
        tty.setcbreak(self.fileno)
        return self

    def __exit__(self, *_: object) -> None:
        """What was typed and not read is thrown away: it was not meant for the shell."""
        termios.tcsetattr(self.fileno, termios.TCSAFLUSH, self._before)

    def read(self) -> list[str] | None:
        """What was typed by now; None: nobody is at this terminal any more."""
        try:
            typed = os.read(self.fileno, 256)
        except OSError:
            return None
        return list(keys(typed)) if typed else None


def keys(typed: bytes) -> Iterator[str]:
    """Names of keys: up, down, enter, escape, or the letter itself. A terminal sends a sequence at once."""
    at = 0
    while at < len(typed):
        if name := SEQUENCES.get(typed[at:at + 3]):
            yield name
            at += 3
        elif typed[at:at + 2] in {b"\x1b[", b"\x1bO"}:      # a key that means nothing here: up to its last letter
            at += 2
            while at < len(typed) and not 0x40 <= typed[at] <= 0x7e:
                at += 1
            at += 1
        else:
            letter = chr(typed[at])
            yield NAMES.get(letter, letter)
            at += 1
