"""`healctl dashboard`: the daemon and its machine, live, with keys. What it shows is picture.py's business."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing, suppress
from datetime import datetime
from typing import Any, TypeVar

import psutil

from heald.bus.connection import Bus
from heald.bus.controller1 import INTERFACE, NAME, PATH, read_published
from heald.document import whole_incident, whole_issue
from heald.errors import Code, HealdError
from heald.face import passes, pausing, story, text, why
from heald.face.following import events, now_event
from heald.face.known import run
from heald.face.picture import picture
from heald.face.screen import Screen
from heald.face.view import View
from heald.sensors import storage
from heald.sensors.load import busy, pressure, processors

T = TypeVar("T")
TICK = 1.0              # seconds between two pictures where nothing happens
LOOK = 2.0              # seconds between two readings
KEPT = 200              # readings and events that are remembered
PAUSE = "1h"
BACK = "\nPress a key to go back to the dashboard."
WAITS = {"waits for cpu": "cpu", "waits for memory": "memory", "waits for disks": "io"}
"""The gauges of pressure: how much of the last 10 s something waited."""


def show() -> int:
    """Until the person quits; the exit code: 0, or 128 and the number of the signal that ended it."""
    return run(_show())


async def _show() -> int:
    bus = await Bus.connect()
    with closing(bus):
        return await Dashboard(bus).run()


class Dashboard:
    """One at a terminal."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._screen = bus, Screen()
        self._view = View(datetime.now().astimezone(), gone="looking for heald")
        self._stale = True                      # what is known of the daemon
        self._looked, self._used = 0.0, processors()

    async def run(self) -> int:
        """Until it is told to end. HealdError(UNREACHABLE) when the bus is lost."""
        await self._bus.watch(NAME, PATH, INTERFACE, "Changed", lambda _: self._changed())
        self._bus.on_owner(NAME, self._owned)
        lost = asyncio.create_task(self._bus.lost.wait())
        lost.add_done_callback(lambda _: self._screen.woken.set())
        with self._screen:
            while self._screen.code is None and not self._bus.lost.is_set():
                await self._turn()
        lost.cancel()
        if self._screen.code is None:
            raise HealdError(Code.UNREACHABLE, "the connection to the system bus was lost")
        return self._screen.code

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._looked >= LOOK:
            self._looked, self._stale = now, True
            self._read_machine()
        if self._stale:
            self._stale = False
            await self._read_daemon()
        self._view.now = datetime.now().astimezone()
        self._screen.show(picture(self._view, *self._screen.size, self._screen.glyphs))
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK):
                await self._screen.woken.wait()
        self._screen.woken.clear()
        while self._screen.typed and self._screen.code is None:
            await self._press(self._screen.typed.popleft())

    def _read_machine(self) -> None:
        before, self._used = self._used, processors()
        found = {"cpu": busy(before, self._used), "memory": psutil.virtual_memory().percent}
        found |= {name: pressure(resource, "some avg10") for name, resource in WAITS.items()}
        for name, value in found.items():
            self._view.gauges.setdefault(name, []).append(value)
            del self._view.gauges[name][:-KEPT]
        self._view.disks = storage.read()

    async def _read_daemon(self) -> None:
        view = self._view
        try:
            known = await read_published(self._bus)
        except HealdError as error:
            view.known, view.gone = None, str(error)
            return
        known["Incidents"] = [whole_incident(one) for one in known["Incidents"]]
        known["Issues"] = [whole_issue(one) for one in known["Issues"]]
        if view.known is not None:
            before = {one["id"]: one for one in view.known["Incidents"]}
            for one in reversed(known["Incidents"]):
                self._tell(*events(before.get(one["id"]), one))
        view.known = known

    def _tell(self, *happened: Mapping[str, Any]) -> None:
        self._view.events += [{**one, "time": one["time"] or now_event("")["time"]} for one in happened]
        del self._view.events[:-KEPT]

    def _owned(self, owner: str) -> None:
        self._tell(now_event("came" if owner else "gone"))
        self._changed()

    def _changed(self) -> None:
        self._stale = True
        self._screen.woken.set()

    async def _press(self, key: str) -> None:
        view, issue = self._view, self._view.selected
        view.note = ""
        if key == "q":
            self._screen.end(0)
        elif key in {"up", "k", "down", "j"}:
            view.move(-1 if key in {"up", "k"} else 1)
        elif view.page or key == "escape":
            view.page = ""
        elif key == "?":
            view.page = "help"
        elif key in {"r", "enter", "s", "p"} and issue is None:
            view.note = "Nothing is wrong, so there is nothing to do"
        elif key == "s" and issue is not None:
            self._tell_all(str(issue["id"] or ""))
        elif key in {"r", "enter"} and issue is not None:
            await self._repair(issue)
        elif key == "p" and issue is not None:
            await self._pause(str(issue["subject"]))

    def _tell_all(self, number: str) -> None:
        """The story of an incident: whole where its file may be read, else what the daemon tells everyone."""
        view = self._view
        try:
            known = why.of_file(number) if number else None
        except OSError:
            known = None
        try:
            view.story = story.why(known or why.of_published(view.known or {}, number)).splitlines()
            view.page, view.scrolled = "story", 0
        except HealdError as error:
            view.note = str(error)

    async def _repair(self, issue: Mapping[str, Any]) -> None:
        if not issue["id"]:
            self._view.note = "It was just seen: try again in a moment"
            return
        with self._screen.aside() as say:
            say(f"healctl heal {issue['id']}: {issue['kind']} {issue['subject']}")
            done = await _told(passes.heal_now(str(issue["id"])), say)
            if done is not None:
                say(text.healed(done.document))
            await self._screen.any_key(BACK)
        self._stale = True

    async def _pause(self, subject: str) -> None:
        paused = self._view.paused(subject)
        with self._screen.aside() as say:
            say(f"healctl resume {subject}" if paused else f"healctl pause {subject} {PAUSE}")
            task = pausing.resume_now(subject) if paused else pausing.pause_now(subject, PAUSE)
            if await _told(task, say) is None:
                await self._screen.any_key(BACK)
        self._stale = True


async def _told(task: Coroutine[Any, Any, T], say: Callable[[str], None]) -> T | None:
    """What it gives, or None where it could not be done, which was said."""
    try:
        return await task
    except HealdError as error:
        say(f"healctl: {error}")
        return None
