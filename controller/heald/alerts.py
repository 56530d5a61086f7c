"""On a server nobody sees a notification: when heald gives up or asks, root's own heald-alert@ID.service tells it.

It is started where root installed one; docs/alerts.md has examples. Each time is told once, also over a restart.
"""

from collections.abc import Callable, Coroutine

from heald.errors import Code
from heald.executor import Helper
from heald.history import History
from heald.model import Action, Category, Incident
from heald.telling import ended, told

WANTS_A_PERSON = frozenset({"gave-up", "asked"})


class Alerts:
    """`spawn` runs a coroutine beside the loop; `say` gets a line for each alert."""

    def __init__(self, history: History, helper: Helper, say: Callable[[str], None],
                 spawn: Callable[[Coroutine[None, None, None], str], None]) -> None:
        self._history, self._helper, self._say, self._spawn = history, helper, say, spawn
        self._told = {(i.id, i.outcome) for i in history.known.values()}

    def changed(self, number: int) -> None:
        """Something happened in this incident."""
        incident = self._history.known.get(number)
        if incident is None or incident.outcome not in WANTS_A_PERSON or incident.well is not None:
            return
        if (incident.id, incident.outcome) not in self._told:
            self._told = {one for one in self._told if one[0] in self._history.known}
            self._told.add((incident.id, incident.outcome))
            self._spawn(self._tell(incident), "somebody is told")

    async def _tell(self, incident: Incident) -> None:
        action = Action(Category.SYSTEM, "alert", str(incident.id))
        result = await self._helper.heal(action)
        if result.state != Code.NOT_SUPPORTED:      # root installed none: then nobody wants to be told
            self._say(told(incident, ended(action, result), action))
