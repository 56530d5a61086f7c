"""One run of rsync(1): what it copies lies on the disk when it ends well; else one line says why."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from heald.errors import Code, HealdError
from heald.quantities import amount

VANISHED = 24       # rsync(1): files that were there when it listed them, and gone when it came to them

NEXT = (("could not make way", "move away what is there"),
        ("Permission denied", "change that, or leave it out by a file .rsync-filter"))
"""What rsync complains of, and what to do."""

Say = Callable[[str], None]
"""Told one word about work under way."""


def copy(options: list[str], paths: list[str], disk: Path, held: int, say: Say) -> None:
    """Copies all but the last of `paths` into that, which lies on the disk of `disk`.

    rsync holds the file descriptor `held` too: it may outlive us for a moment. HealdError(FAILED) in one line; files
    that vanished meanwhile are no error.
    """
    # -1: else what is written twice in a second, and has the same size, would not be seen to have changed.
    command = ["rsync", "--archive", "--hard-links", "--numeric-ids", "--modify-window=-1", "--info=progress2",
               *options, "--", *paths]
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        try:
            copying = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
                                       text=True, errors="replace", pass_fds=[held],
                                       env={**os.environ, "LC_ALL": "C.UTF-8"})
        except FileNotFoundError:
            raise HealdError(Code.FAILED, "rsync is missing: install the package rsync") from None
        with copying:
            try:
                _follow(copying, say)
            except BaseException:
                copying.terminate()
                raise
        said.seek(0)
        if copying.returncode not in {0, VANISHED}:
            raise HealdError(Code.FAILED, _why(said.read(), copying.returncode, disk))
    say("waiting for the disk")
    subprocess.run(["sync", "--file-system", str(disk)], stdin=subprocess.DEVNULL, check=False)


def _follow(copying: "subprocess.Popen[str]", say: Say) -> None:
    """rsync begins a line anew for each figure; the first is what was copied, in bytes with commas."""
    assert copying.stdout is not None  # noqa: S101 - a pipe
    for line in copying.stdout:
        if (figure := line.partition("%")[0].split()) and (number := figure[0].replace(",", "")).isdecimal():
            say(f"{amount(int(number))} copied")


def _why(said: str, code: int, disk: Path) -> str:
    """rsync's first complaint as one line; of a full disk what to do."""
    if "No space left" in said:
        return f"the disk of {disk} is full: make room there"
    lines = [line for line in said.splitlines() if line.strip()] or [f"rsync ended with {code}"]
    line = "".join(c if c.isprintable() else "?" for c in lines[0])
    return "; ".join([line, *(hint for word, hint in NEXT if word in line)])
