"""What happens to incidents: recorded, said in a line each, and told to whoever follows them."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from heald import incidents, telling
from heald.history import History
from heald.model import Incident


class Notes:
    """`say` gets one line for each thing that happens, `changed` each incident that did: an older one that was closed
    the history does not know any more. `at_once`: a person is there, asked before an act, who wants to know why."""

    def __init__(
        self, history: History, say: Callable[[str], None], changed: Callable[[Incident], None], *, at_once: bool,
    ) -> None:
        self._history, self._say, self._changed, self._at_once = history, say, changed, at_once
        self._lines: list[str] = []         # not said yet
        self._blind = ""

    def save(self, changed: Iterable[Incident]) -> None:
        """Keep those that say something new for the next write, and their lines for say(): who acts first and talks
        later heals sooner."""
        told = []
        for incident in changed:
            before = self._history.known.get(incident.id)
            if before is not None and replace(before, ill=0, issue=None) == replace(incident, ill=0, issue=None):
                self._history.note(incident)
                continue
            told.append(incident)
            if line := incidents.news(before, incident):
                self._lines.append(telling.told(incident, line))
        if told:
            self._history.keep(told)
        if self._at_once:
            self.say()
        for incident in told:
            self._changed(incident)

    def settle(self) -> None:
        """Write and say all that waits."""
        self._history.flush()
        self.say()

    def blind(self, why: str) -> None:
        """Nothing could be read, or "": it could. Said when it changes, not at every look."""
        if why and why != self._blind:
            self.say(why)
        self._blind = why

    def say(self, *lines: str) -> None:
        """All that waits to be said, then these."""
        waiting, self._lines = self._lines, []
        for line in (*waiting, *lines):
            self._say(line)
