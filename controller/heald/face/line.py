"""The line at a terminal that shows life. Light: a command that may need it imports it at its start."""

import os
import sys


class Line:
    """One line of a terminal, written over and over and gone at the end. Any terminal can go back to its start."""

    def __init__(self, *, shown: bool) -> None:
        self._shown, self._length = shown, 0

    def __enter__(self) -> "Line":
        return self

    def say(self, words: str) -> None:
        if self._shown:
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            plain = "".join(c if c.isprintable() else " " for c in words)[:width - 1]
            print(f"\r{plain:{self._length}}", end="", file=sys.stderr, flush=True)
            self._length = len(plain)

    def __exit__(self, *_: object) -> None:
        if self._length:
            print(f"\r{'':{self._length}}\r", end="", file=sys.stderr, flush=True)
