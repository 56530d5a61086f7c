"""What a person has paused, until when: kept in a file, so that it outlives a restart of the daemon and of the machine.

In memory an end is a boottime, so that a jump of the wall clock changes nothing; in the file it is the wall clock's.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from heald import clock
from heald.document import moment
from heald.errors import Code, HealdError

MOST = 100                      # subjects that are paused at a time
LONGEST = 366 * 86400           # seconds
LAST = 1e11                     # seconds since the epoch: in the year 5138
_BARE = re.compile(r"[A-Za-z0-9_@-]+")


class Pauses:
    """The subjects that are paused. `say` is told of a file, or of one entry of it, that pauses nothing."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._ends: dict[str, float] = {}
        kept, offset = dict[str, object](), clock.offset()
        try:
            kept = dict(json.loads(path.read_text("utf-8")).items())
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            say(f"{path} cannot be used, nothing is paused: {error}")
        for subject, end in kept.items():
            try:
                self._ends[check(subject)] = _stamp(end) - offset
            except (ValueError, HealdError) as error:
                say(f"{path}: {subject[:100]!r} is not paused: {error}")

    def now(self) -> dict[str, str]:
        """Each subject that is paused now, and until when (RFC 3339, in full seconds, so that it stays the same)."""
        now, offset = clock.boottime(), clock.offset()
        self._ends = {subject: end for subject, end in self._ends.items() if end > now}
        return {subject: str(moment(round(end + offset), 0.0)) for subject, end in self._ends.items()}

    def pause(self, subject: str, seconds: int) -> None:
        """From now on for so long; HealdError, and nothing changes, where that cannot be or cannot be kept."""
        if not 0 < seconds <= LONGEST:
            raise HealdError(Code.INVALID_ARGS, f"a pause lasts from a second to a year, not {seconds} s")
        if len(self.now() | {check(subject): ""}) > MOST:
            raise HealdError(Code.LIMITS_EXCEEDED, f"{MOST} subjects are paused already")
        offset = clock.offset()
        self._keep({**self._ends, subject: round(clock.boottime() + seconds + offset) - offset})

    def resume(self, subject: str) -> None:
        """At once. HealdError(INVALID_ARGS) when it is not paused."""
        if subject not in self.now():
            raise HealdError(Code.INVALID_ARGS, f"{subject!r} is not paused")
        self._keep({name: end for name, end in self._ends.items() if name != subject})

    def _keep(self, ends: dict[str, float]) -> None:
        offset, new = clock.offset(), self._path.with_name(self._path.name + ".new")
        try:
            with new.open("w", encoding="utf-8") as file:
                json.dump({subject: end + offset for subject, end in ends.items()}, file)
                file.flush()
                os.fsync(file.fileno())         # else a machine that loses its power may come back with an empty one
            new.replace(self._path)
        except OSError as error:
            raise HealdError(Code.FAILED, f"it cannot be kept: {error.strerror}") from None
        self._ends = ends


def _stamp(end: object) -> float:
    """Seconds since the epoch; ValueError for what is none, or lies where no calendar goes."""
    if not isinstance(end, int | float) or not 0 <= end < LAST:
        raise ValueError(f"{str(end)[:100]} is no time")
    return float(end)


def check(subject: str) -> str:
    """The subject, if an issue may have such a one; else HealdError(INVALID_ARGS)."""
    if not subject or len(subject) > 255 or not subject.isprintable() or subject.strip() != subject:
        raise HealdError(Code.INVALID_ARGS, f"{subject[:100]!r} is no subject of an issue")
    if _BARE.fullmatch(subject) and subject != "machine":
        raise HealdError(Code.INVALID_ARGS, f'"{subject}" is no subject of an issue; did you mean "{subject}.service"?')
    return subject
