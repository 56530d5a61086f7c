"""`healctl watch`: what the daemon does, as it does it, one event a line, until nobody wants to know."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from heald.bus.connection import Bus
from heald.bus.controller1 import INTERFACE, NAME, PATH, read_published
from heald.document import Document, whole_incident
from heald.errors import Code, HealdError
from heald.face import text

OF_INCIDENT = ("id", "kind", "subject", "severity", "outcome", "reason")


def events(before: Document | None, after: Document) -> Iterator[Document]:
    """What happened to one incident between two looks at it, in order. Both as `healctl history` has them."""
    said = {key: after[key] for key in OF_INCIDENT}
    if before is None:
        yield {"time": after["opened"], "event": "opened", **said}
    known = before["actions"] if before else []
    for place, action in enumerate(after["actions"]):
        old = known[place] if place < len(known) else None
        what = {key: action[key] for key in ("operation", "target", "result", "detail")}
        if old is None:
            yield {"time": action["started"], "event": "began", **said, **what, "result": None, "detail": ""}
        if action["finished"] and not (old and old["finished"]):
            yield {"time": action["finished"], "event": "ended", **said, **what}
    if after["outcome"] not in {"open", before["outcome"] if before else "open"}:
        yield {"time": after["healed"] if after["outcome"] == "healed" else None, "event": after["outcome"], **said}
    elif before and after["outcome"] == "open" != before["outcome"]:
        yield {"time": None, "event": "relapsed" if before["healed"] else "open", **said}
    if after["closed"] and not (before and before["closed"]):
        yield {"time": after["closed"], "event": "closed", **said}


async def follow(tell: Callable[[Document], None]) -> None:
    """Tells each event. Returns when nobody reads standard output any more; HealdError when the bus is lost."""
    changes: asyncio.Queue[str | None] = asyncio.Queue()        # a change, None: the end of our output or of the bus
    bus = await Bus.connect()
    with closing(bus):
        await bus.watch(NAME, PATH, INTERFACE, "Changed", lambda _: changes.put_nowait(""))
        bus.on_owner(NAME, lambda owner: changes.put_nowait("came" if owner else "gone"))
        lost = asyncio.create_task(bus.lost.wait())
        lost.add_done_callback(lambda _: changes.put_nowait(None))
        out = sys.stdout.fileno()
        if stat.S_ISFIFO(os.fstat(out).st_mode):        # its other end was closed: head(1) has seen enough
            asyncio.get_running_loop().add_reader(out, changes.put_nowait, None)
        known = await _look(bus)
        if known is None:
            tell(now_event("gone"))
        while (change := await changes.get()) is not None:
            if change:
                tell(now_event(change))
            found = await _look(bus)
            for number, incident in (found or {}).items():
                for event in events((known or {}).get(number), incident):
                    tell({**event, "time": event["time"] or now_event("")["time"]})
            known = {**(known or {}), **(found or {})}
        if bus.lost.is_set():
            raise HealdError(Code.UNREACHABLE, "the connection to the system bus was lost")
        asyncio.get_running_loop().remove_reader(out)
        lost.cancel()


def line(event: Document, *, as_json: bool) -> str:
    """One event, as one line."""
    return json.dumps(event, ensure_ascii=False) if as_json else text.event(event)


async def _look(bus: Bus) -> dict[str, Document] | None:
    """The incidents by number, oldest first; None when no heald runs."""
    try:
        published = await read_published(bus)
    except HealdError as error:
        if bus.lost.is_set() or error.code not in {Code.UNREACHABLE, Code.TIMEOUT}:
            raise
        return None
    return {str(one["id"]): whole_incident(one) for one in reversed(published["Incidents"])}


def now_event(event: str) -> dict[str, Any]:
    """An event of the daemon itself: gone, came."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": stamp, "event": event, "id": None}
