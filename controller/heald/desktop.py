"""The desktop of the person in whose session this runs: what they are told, and what a click of theirs does.

Of their own units whoever they are; of the machine only to an administrator at its screen, for nobody else could act.
Events only say that there is something to read; what is shown is always decided from a fresh reading.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from heald import clock, document, notices
from heald.bus.connection import Bus
from heald.bus.controller1 import INTERFACE, NAME, PATH, read_published
from heald.bus.helper import HelperClient
from heald.bus.notifications import Notifications
from heald.bus.seat import Seat
from heald.errors import HealdError
from heald.executor import Helper
from heald.model import Action
from heald.notices import DETAILS, LATER, REPAIR, Key, Notice, Presenter

SYSTEM, OWN = "system", "own"
_NONSENSE = (LookupError, TypeError, ValueError, AttributeError)


class Desktop:
    """Shows the incidents of both. `own` gives those of the person's own units, and the issues, as Controller1 has
    them; `healer` heals these; `say` gets a line for each click."""

    def __init__(self, session: Bus, system: Bus, healer: Helper, own: Callable[[], Mapping[str, Any]],
                 say: Callable[[str], None]) -> None:
        self._system, self._own, self._say = system, own, say
        self._healers: dict[str, Helper] = {OWN: healer, SYSTEM: HelperClient(system, interactive=True)}
        self._seat = Seat(system)
        self._presenter = Presenter()
        self._screen = Notifications(session, self._clicked, self._dismissed, self._emptied)
        self._known: dict[Key, Mapping[str, Any]] = {}
        self._shown: dict[Key, Notice] = {}     # what stood last in each place
        self._said = ""
        self._woken = asyncio.Event()
        self._one = asyncio.Lock()          # two prompts would lie exactly on each other
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Shows what there is from now on. HealdError only where a bus is at fault."""
        await self._screen.start()
        await self._seat.watch(self.look)
        await self._system.watch(NAME, PATH, INTERFACE, "Changed", lambda _: self.look())
        await HelperClient(self._system).watch_finished(lambda *_: self.look())
        self._system.on_owner(NAME, lambda _: self.look())
        self._spawn(self._run())
        self.look()

    async def stop(self) -> None:
        """Takes away what is shown: its buttons would do nothing. A prompt that is up ends with our connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._screen.close_all()

    def look(self) -> None:
        """There may be something new."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            due = self._presenter.due
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - clock.boottime())):
                    await self._woken.wait()
            self._woken.clear()
            self._presenter.due = None
            with suppress(HealdError):      # no server, or no daemon any more: what is not told is planned again
                await self._turn()

    async def _turn(self) -> None:
        known = {OWN: self._own()}
        if await self._seat.can_act():
            with suppress(HealdError):
                known[SYSTEM] = await read_published(self._system)
        for source, state in known.items():
            try:
                planned = self._planned(source, state)
            except _NONSENSE as why:        # another heald's, or nobody's who should have the name
                self._say_once(f"what {source} publishes makes no sense and is not shown: {why!r}")
                continue
            for key, new in planned.items():
                if new is None:
                    await self._screen.close(key)
                else:
                    await self._show(key, new)
                self._presenter.told(key, new, clock.boottime())

    def _say_once(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._say(line)

    def _planned(self, source: str, state: Mapping[str, Any]) -> dict[Key, Notice | None]:
        incidents = [document.whole_incident(one) for one in state["Incidents"]]
        self._known = {key: one for key, one in self._known.items() if key[0] != source}
        self._known |= {(source, one["id"]): one for one in incidents}
        return self._presenter.plan(source, incidents, state["Issues"], clock.boottime())

    async def _show(self, key: Key, one: Notice) -> None:
        buttons = "actions" in await self._screen.capabilities()
        await self._screen.show(key, one.summary, one.body if buttons else notices.plain(one), urgency=one.urgency,
                                stays=one.repair is not None, buttons=one.buttons if key in self._known else ())
        self._shown[key] = one

    def _clicked(self, key: Key, button: str) -> None:
        shown = self._shown[key]
        if button == REPAIR[0] and shown.repair:
            self._spawn(self._repair(key, shown, shown.repair))
        elif button == DETAILS[0] and key in self._known:
            self._spawn(self._explain(key, notices.detailed(shown, key[0], self._known[key])))
        elif button == LATER[0]:
            self._dismissed(key)

    def _dismissed(self, key: Key) -> None:
        self._presenter.put_off(key, clock.boottime())
        self.look()                         # when to ask again is known now

    async def _explain(self, key: Key, story: Notice) -> None:
        with suppress(HealdError):          # the server went, and this with it
            await self._show(key, story)

    def _emptied(self) -> None:
        """The server went, or has come."""
        self._presenter.forget()
        self.look()

    async def _repair(self, key: Key, shown: Notice, action: Action) -> None:
        """As the person who clicked: of the machine's, polkit has their desktop ask for a password first."""
        async with self._one:
            result = await self._healers[key[0]].heal(action)
        self._say(f"{action}, as the person at the screen wants it: {result.state} {result.detail}".rstrip())
        subject = self._known[key]["subject"] if key in self._known else action.target
        told = notices.answered(shown, notices.named(subject), result.state, result.detail)
        if told.urgency:
            self._presenter.put_off(key, clock.boottime())
        else:
            self._presenter.told(key, told, clock.boottime())
        await self._explain(key, told)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
