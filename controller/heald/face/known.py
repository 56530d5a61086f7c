"""What the daemon knows, and what commands share that need no engine: a prompt waits for `healctl status --short`."""

import asyncio
import sys
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import closing
from typing import Any, TypeVar

from heald import document
from heald.bus.connection import Bus
from heald.bus.controller1 import read_published
from heald.errors import INTERRUPTED
from heald.model import Severity

T = TypeVar("T")


def remaining(issues: Iterable[Mapping[str, Any]]) -> int:
    """1 when an issue of medium severity or above is among these, else 0."""
    return int(any(Severity[i["severity"].upper()] >= Severity.MEDIUM for i in issues))


def run(task: Coroutine[Any, Any, T]) -> T:
    """To its end; Ctrl-C ends it as it ends every command."""
    try:
        return asyncio.run(task)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def status() -> dict[str, Any]:
    """What the daemon knows; HealdError(UNREACHABLE) when there is none."""
    known = run(published())
    return {
        "version": 1, "mode": known["Mode"], "health": known["Health"],
        "issues": [document.whole_issue(i) for i in known["Issues"]],
        "incidents": [document.whole_incident(i) for i in known["Incidents"] if "closed" not in i],
        "paused": known["Paused"], "limits": known["Limits"],
    }


async def published() -> dict[str, Any]:
    """All that the running daemon publishes. HealdError(UNREACHABLE) when there is none."""
    bus = await Bus.connect()
    with closing(bus):
        return await read_published(bus)
