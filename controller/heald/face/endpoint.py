"""What heald shows over HTTP: /metrics for Prometheus, /health for probes, and the status page on /.

Imported only where [metrics] asks for it. Nothing here is a secret, and no journal line is in it.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from heald import clock
from heald.day import DAY
from heald.face import exposition, page
from heald.face.style import POLICY
from heald.face.totals import Totals
from heald.face.web import Answer, Web
from heald.history import History
from heald.listen import Listen
from heald.model import Incident

KEPT = 1.0              # seconds for which what was made is handed out again: readers cost that much and no more
LATE = 30.0             # seconds overdue from which on heald does not see the machine any more
MOST = 300              # incidents of the last day that are looked at, the newest


class Endpoint:
    """`read` gives what Controller1 shows, `behind` for how many seconds a look is overdue, `reachable` whether the
    helper can be reached. `say` gets a line where it cannot listen: heald goes on without it."""

    def __init__(self, history: History, path: Path, read: Callable[[], dict[str, Any]], *, behind: Callable[[], float],
                 reachable: Callable[[], Awaitable[bool]], say: Callable[[str], None]) -> None:
        self._history, self._read, self._behind = history, read, behind
        self._reachable, self._say = reachable, say
        self._totals = Totals(path, lambda: history.known, say)
        self._listens: Listen | None = None
        self._web: Web | None = None
        self._one = asyncio.Lock()

    async def use(self, listen: Listen) -> None:
        """Listens so from now on, or not at all."""
        async with self._one:
            if listen != self._listens:
                await self._stop()
                if listen.enable:
                    await self._start(listen)

    async def stop(self) -> None:
        """Listens no more."""
        async with self._one:
            await self._stop()

    def seen(self, incident: Incident) -> None:
        """An incident has changed: what was done in it is counted."""
        self._totals.seen(incident)

    async def _start(self, listen: Listen) -> None:
        pages = {"/": _kept(self._page), "/metrics": _kept(self._metrics), "/health": self._health}
        web = Web(pages, listen.knows)
        where = f"{listen.address if '.' in listen.address else f'[{listen.address}]'}:{listen.port}"
        try:
            await web.start(listen.address, listen.port)
        except OSError as error:        # asyncio has words of its own for it
            why = os.strerror(error.errno) if error.errno else str(error)
            self._say(f"metrics cannot be served on {where}: {why}; heald goes on without them: change address or port "
                      "below [metrics] in heald.toml, then `systemctl reload heald`")
            return
        self._web, self._listens = web, listen
        self._say(f"metrics and the status page are on http://{where}/")

    async def _stop(self) -> None:
        if self._web is not None:
            await self._web.stop()
        self._web = self._listens = None

    async def _metrics(self) -> Answer:
        helper = await self._reachable()
        return Answer(exposition.exposition(self._read(), self._totals, helper=helper), exposition.TYPE)

    async def _page(self) -> Answer:
        helper, end = await self._reachable(), clock.boottime()
        shown = page.Shown(
            os.uname().nodename, self._read(), tuple(self._history.since(end - DAY, MOST)), end, clock.offset(),
            helper=helper, behind=self._behind() > LATE, most=MOST)
        return Answer(page.html(shown).encode(), "text/html; charset=utf-8", more=POLICY)

    async def _health(self) -> Answer:
        """Of heald itself: a full disk is no reason to start heald anew. The machine's health is in the body."""
        known, blind = self._read(), self._behind() > LATE
        said = {"version": 1, "status": "blind" if blind else "ok", "health": known["Health"],
                "issues": len(known["Issues"])}
        status = HTTPStatus.SERVICE_UNAVAILABLE if blind else HTTPStatus.OK
        return Answer(f"{json.dumps(said)}\n".encode(), "application/json", status)


def _kept(make: Callable[[], Awaitable[Answer]]) -> Callable[[], Awaitable[Answer]]:
    """The same for KEPT seconds; one at a time is made."""
    one, made = asyncio.Lock(), list[tuple[float, Answer]]()

    async def again() -> Answer:
        async with one:
            if not made or time.monotonic() - made[0][0] > KEPT:
                made[:] = [(time.monotonic(), await make())]
            return made[0][1]
    return again
