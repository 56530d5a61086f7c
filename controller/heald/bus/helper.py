"""org.heald.Helper1 as its caller sees it: one action, one answer, never an exception for what root answers."""

from collections.abc import Callable

from dbus_next.signature import Variant

from .. import clock
from ..errors import Code, HealdError
from ..model import WAIT, Action, Category, Result
from ..quantities import span
from .connection import Bus
from .systemd import SYSTEMD, UNIT, unit_path

HELPER, PATH, INTERFACE = "org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1"
_SERVICE = "heald-helper.service"                 # that the bus starts when the helper is called
_METHOD = {Category.SERVICE: "HealService", Category.RESOURCE: "HealResource", Category.SYSTEM: "HealSystem"}
_ANSWER_SECONDS = 10            # what the helper may take beside the work: to start, to ask polkit
_PERSON_SECONDS = 130           # the same where a person types a password: the helper's prompt ends after 120
_REST, _LONGEST_REST = 30.0, 3600.0     # seconds for which one that cannot be reached is left alone, doubling


class HelperClient:
    """Asks the helper. `interactive` lets polkit ask the person who called for a password."""

    def __init__(self, bus: Bus, *, interactive: bool = False) -> None:
        self._bus, self._interactive = bus, interactive
        self._rest = self._resting = 0.0        # for how long, and until when (CLOCK_MONOTONIC), it is left alone

    async def heal(self, action: Action, *, wait: int = WAIT) -> Result:
        """Has one action done; waits `wait` seconds (at most 300) for its end, or longer. An error is a Result."""
        wait = max(wait, action.wait)
        limit = wait + (_PERSON_SECONDS if self._interactive else _ANSWER_SECONDS)
        target, options = action.target, {"wait": Variant("u", wait)}
        if action.operation == "rollback":
            numbers = zip(("current", "target"), target.split("-"), strict=False)
            target, options = "", options | {key: Variant("u", int(number)) for key, number in numbers}
        try:
            [report] = await self._bus.call(
                HELPER, PATH, INTERFACE, _METHOD[action.category], "ssa{sv}",
                [action.operation, target, options],
                timeout=limit, interactive=self._interactive)
        except HealdError as why:
            return Result(why.code.value, str(why))
        self._rest = self._resting = 0.0
        before, after, result = (str(report.get(key, "")) for key in ("before", "after", "result"))
        change = f"{before or '?'} -> {after or '?'}" if before or after else ""
        detail = f"{change} ({result})" if change and result else change or result
        return Result(str(report.get("state", "")), detail)

    def rouse(self) -> None:
        """Has the helper started, if it does not run: it will be needed in a moment. After watch_finished."""
        if clock.monotonic() >= self._resting:
            self._bus.rouse(HELPER)

    async def operations(self) -> frozenset[str]:
        """What this machine supports, as CATEGORY/OPERATION. HealdError when the helper does not answer.

        One that cannot start is a failed unit more each time it is tried, and that would have it asked again at once.
        """
        if clock.monotonic() < self._resting:
            raise HealdError(Code.UNREACHABLE, f"{HELPER} did not answer, and is left alone for {span(self._rest)}")
        try:
            found = await self._bus.property(HELPER, PATH, INTERFACE, "Operations")
        except HealdError:
            self._rest = min(max(2 * self._rest, _REST), _LONGEST_REST)
            self._resting = clock.monotonic() + self._rest
            raise
        self._rest = self._resting = 0.0
        return frozenset(found)

    async def reachable(self) -> bool:
        """Whether it runs, or the bus could start it; starts nothing. What cannot be found out is no."""
        try:
            if await self._bus.owner(HELPER):
                return True
            unit = await self._bus.properties(SYSTEMD, unit_path(_SERVICE), UNIT)
        except HealdError:
            return False
        return bool(unit["LoadState"] == "loaded" and unit["ActiveState"] != "failed")

    async def watch_finished(self, seen: Callable[[Action, bool], None]) -> None:
        """Calls `seen` with each action of root's that has ended, whoever asked for it, and whether it was carried out.
        Raises as Bus.call."""
        def finished(body: list[object]) -> None:
            category, operation, target, success, _detail = body
            if category in set(Category):
                seen(Action(Category(str(category)), str(operation), str(target)), bool(success))
        await self._bus.watch(HELPER, PATH, INTERFACE, "Finished", finished)
