"""What a person is told of an incident on their desktop, in which words, and when it is too much. Pure.

One notice for each incident, in its own place. heald tells what it did and asks what it may not decide; what it only
watches, or stands back from, it keeps to itself.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heald.model import Action, Category, Severity

Key = tuple[str, str]
"""Whose incident, "system" or "own", and its id."""

KINDS = {
    "unit-failed": "has failed", "unit-blocked": "is down", "unit-flapping": "keeps failing",
    "probe-failed": "does not answer", "disk-full": "is full", "boot-full": "has no room for a kernel",
    "inodes-full": "has no room for more files",
    "permissions-wrong": "has wrong permissions", "memory-low": "has little memory left",
    "pressure-memory": "waits for memory", "swap-full": "has little swap left", "pressure-io": "waits for its disks",
    "pressure-cpu": "waits for its processors", "cpu-busy": "is busy", "load-high": "has too much to do",
    "temperature-high": "is hot",
}
OPERATIONS = {
    "service/start": "start it", "service/repair": "start it and what it needs", "service/restart": "restart it",
    "service/reload": "reload it", "resource/limit-memory": "limit the memory of {target}",
    "resource/limit-cpu": "give {target} less processor time", "resource/unlimit": "lift the limit of {target}",
    "resource/vacuum-journal": "shorten the journal", "resource/clean-temporary": "remove old temporary files",
    "resource/clean-packages": "remove downloaded packages", "system/restore-permissions": "set them right",
    "system/collect-garbage": "remove what nothing needs from the Nix store",
    "system/drop-generations": "drop old generations of the system", "system/verify-store": "verify the Nix store",
    "system/optimise-store": "link together what is twice in the Nix store", "system/trim": "trim the disks",
    "system/rollback": "take the whole system from one generation to another ({target})",
    "system/run": "run the administrator's repair {target}", "system/alert": "have somebody told of incident {target}",
}
REPAIR, LATER, DETAILS = ("repair", "Repair now"), ("later", "Not now"), ("details", "Details")
AT_ONCE = 3             # notices that one look may raise; of the rest one notice says how many they are
FREE = 2                # changes of one incident that are told at once: what it wants, and what came of it
GAP = 60.0              # seconds before the next change is told, doubling
PUT_OFF = 3600.0        # seconds for which "not now" holds, doubling
MORE = "more"           # in the place of whose incident, for that one notice; its id is whose they are
ALL = {"own": "systemctl --user --failed", "system": "healctl status"}      # shows them all
LONGEST = 300           # characters of a line; a server may show what is longer off the screen
_DIGITS = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Notice:
    """What stands in one place on the screen."""

    summary: str
    body: str
    urgency: int                # 0 low, 1 normal, 2 critical
    repair: Action | None = None        # what "Repair now" does; where there is one it asks, and stays until answered
    command: str = ""           # the same for a keyboard

    @property
    def buttons(self) -> tuple[tuple[str, str], ...]:
        return (REPAIR, LATER, DETAILS) if self.repair else () if self.urgency == 0 else (DETAILS,)


def notice(source: str, incident: Mapping[str, Any], *, ill: bool) -> Notice | None:
    """Of an incident as document.incident() has it; None where there is nothing to tell. `ill`: its subject is, now."""
    name, outcome, planned = named(incident["subject"]), incident["outcome"], incident["next"]
    wrong = f"{name} {KINDS.get(incident['kind'], incident['kind'])}"
    urgency = 2 if Severity[incident["severity"].upper()] is Severity.CRITICAL else 1
    action = _action(planned) if planned else None
    command = _command(source, incident["id"], action)
    tries = [one for one in incident["actions"] if one["finished"] is not None]
    if outcome == "healed" and tries and not incident["closed"]:
        last = tries[-1]
        return Notice(f"{name} was repaired", f"heald did {last['operation']}: {last['detail'] or last['result']}", 0)
    if not ill or incident["closed"]:
        return None
    if outcome == "asked" and action:
        return Notice(wrong, f"heald can {_words(action)}, and asks you first.", urgency, action, command)
    if outcome == "gave-up":
        often = {0: "", 1: " after one try", 2: " after two tries"}.get(len(tries), f" after {len(tries)} tries")
        offer = f" You can have it {_words(action)} once more." if action else ""
        return Notice(wrong, f"heald gave up{often}.{offer}", urgency, action, command)
    if outcome == "refused" and source == "system":         # of one's own, nobody but heald was in the way
        return Notice(wrong, f"heald may not repair it: {_line(incident['reason'])}", urgency)
    return None


def _rank(one: tuple[Key, Notice]) -> tuple[int, int, str]:
    """The worst first, then the oldest: ids are numbers that grow."""
    (_, number), shown = one
    return -shown.urgency, len(number), number


def named(subject: str) -> str:
    """For people, in one line."""
    return "This machine" if subject == "machine" else _line(subject)


def detailed(shown: Notice, source: str, incident: Mapping[str, Any]) -> Notice:
    """The same with what was done so far, and where the whole story is."""
    lines = [incident["reason"]] if incident["reason"] else []
    for one in incident["actions"]:
        result = one["result"] or "under way"
        lines.append(f"{one['operation']} {one['target']}".rstrip() + f": {result}"
                     + (f", {one['detail']}" if one["detail"] else ""))
    story = f"healctl why {incident['id']}" if source == "system" else f"systemctl --user status {incident['subject']}"
    return replace(shown, body="\n".join([*map(_line, lines[-4:]), f"The whole story: {story}", *_typed(shown)]))


def answered(shown: Notice, subject: str, state: str, detail: str) -> Notice:
    """After a click: what came of it. `state` and `detail` are those of a model.Result; done is not yet well."""
    again = state == "done" and detail.startswith("failed -> failed")
    did = f"You had heald {_words(shown.repair)}: {detail}" if shown.repair else detail
    if state in {"done", "running", "Healthy"} and not again:
        how = {"running": "is being repaired", "Healthy": "is well already"}.get(state, "was repaired")
        return Notice(f"{subject} {how}", did, 0)
    why = {"AccessDenied": "No password was given that allows it.",
           "InteractiveAuthorizationRequired": "Nobody could ask you for a password here.",
           "Timeout": "There was no answer in time."}.get(state, did)
    return replace(shown, summary=f"{subject} was not repaired", body="\n".join([why, *_typed(shown)]), repair=None)


def plain(shown: Notice) -> str:
    """The body for a server without buttons."""
    return "\n".join([shown.body, *_typed(shown)]) if shown.repair else shown.body


def _typed(shown: Notice) -> list[str]:
    return [f"To repair it, type: {shown.command}"] if shown.command else []


def _line(text: str) -> str:
    """What others wrote, in one line that is not too long."""
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST - 1]}…"


def _action(planned: Mapping[str, Any]) -> Action:
    category, _, operation = planned["operation"].partition("/")
    return Action(Category(category), operation, planned["target"])


def _words(action: Action) -> str:
    return OPERATIONS.get(action.name, f"do {action.name} {{target}}").format(target=action.target)


def _command(source: str, number: str, action: Action | None) -> str:
    if action is None:
        return ""
    if source == "system":
        return f"healctl heal {number}" if _DIGITS.fullmatch(number) else ""       # a person is told to type it
    return f"systemctl --user {'start' if action.operation == 'repair' else action.operation} {action.target}"


@dataclass(frozen=True, slots=True)
class Told:
    """What was last told of one incident. `count` how often; `put_off` how often the person did not want it."""

    notice: Notice | None
    count: int = 0
    put_off: int = 0
    quiet: float = 0.0          # until when nothing new is told of it


class Presenter:
    """Remembers what was told, and says what to show now. Times are of any clock that does not jump, in seconds."""

    def __init__(self) -> None:
        self._told: dict[Key, Told] = {}
        self._begun: set[str] = set()
        self.due: float | None = None           # when to look again though nothing happens

    def plan(self, source: str, incidents: Iterable[Mapping[str, Any]], issues: Iterable[Mapping[str, Any]],
             now: float) -> dict[Key, Notice | None]:
        """What is to be shown, or with None to be taken away, of all the incidents that a source knows, and its issues.

        What is not `told` to have been shown is planned again. Of what had ended before the first look nothing is said.
        """
        wanted: dict[Key, Notice | None] = {}
        first = source not in self._begun
        self._begun.add(source)
        known = {(source, one["id"]): one for one in incidents}
        ill_now = {(issue["kind"], issue["subject"]) for issue in issues}
        for key, one in known.items():
            ill = (one["kind"], one["subject"]) in ill_now
            before, new = self._told.get(key, Told(None)), notice(source, one, ill=ill)
            if new is None:
                if before.notice and before.notice.urgency and not ill:
                    wanted[key] = None
            elif new.urgency == 0 and (first or before.put_off or (before.notice and before.notice.urgency == 0)):
                self._told[key] = replace(before, notice=new)       # it is old, not wanted, or told in other words
            elif new != before.notice and now < before.quiet:
                self.due = min(self.due or before.quiet, before.quiet)
            elif new != before.notice:
                wanted[key] = new
        gone = [key for key in self._told if key[0] == source and key not in known]
        wanted |= {key: None for key in gone if self._told.pop(key).notice}
        return self._digested(source, wanted)

    def _digested(self, source: str, wanted: dict[Key, Notice | None]) -> dict[Key, Notice | None]:
        """Not more than AT_ONCE, the worst and oldest; the others are told by their number."""
        shows = sorted(((key, new) for key, new in wanted.items() if new), key=_rank)
        for key, new in (more := shows[AT_ONCE:]):
            del wanted[key]
            self._told[key] = replace(self._told.get(key, Told(None)), notice=new)
        if more:
            body = f"To see all, type: {ALL[source]}"
            wanted[MORE, source] = Notice(f"{len(more)} more incidents", body, max(new.urgency for _, new in more))
        return wanted

    def told(self, key: Key, shown: Notice | None, now: float) -> None:
        """It is on the screen, or off it."""
        before = self._told.get(key, Told(None))
        count = before.count + 1
        gap = GAP * 2.0 ** (count - FREE) if count >= FREE else 0.0
        self._told[key] = replace(before, notice=shown, count=count, quiet=now + min(gap, PUT_OFF))

    def put_off(self, key: Key, now: float) -> None:
        """The person does not want to hear of it now."""
        if before := self._told.get(key):
            quiet = now + PUT_OFF * 2.0 ** before.put_off
            self._told[key] = replace(before, notice=None, put_off=before.put_off + 1, quiet=quiet)

    def forget(self) -> None:
        """The screen is empty: what asks, asks again."""
        self._told = {key: replace(told, notice=None) if told.notice and told.notice.repair else told
                      for key, told in self._told.items()}
