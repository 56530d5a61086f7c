"""One question to polkit: may this caller do this? Anything but a plain yes is no."""

from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

from .contract import RefusedError, Request
from .loop import CancelledError, Task, wait
from .systemd import is_silence, silent
from .wire import Bus, Call, CallError, Variant

POLKIT = ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
          "org.freedesktop.PolicyKit1.Authority")
LIMIT, PROMPT, END = 10.0, 120.0, 2.0
"""Seconds for an answer; where a person is asked for a password, seconds that the prompt stays up; for the end of a
check that was cancelled."""
NAME_LENGTH = 60        # of a unit in a password prompt: longer ones push its buttons off the screen

T = TypeVar("T")

_ids = count(1)


async def beside(asking: Coroutine[Any, Any, None], looking: Coroutine[Any, Any, T]) -> T:
    """What root sees, if polkit says yes meanwhile; what root refuses is refused first."""
    asked, looked = Task(asking), Task(looking)         # polkit takes longer: it is asked first
    try:
        seen = await looked
        await asked
    finally:
        asked.cancel()
        looked.cancel()
        await wait(asked, looked)
    return seen


async def authorize(bus: Bus, call: Call, action: str, request: Request, unit: str) -> None:
    """Return if polkit lets the sender of `call` do `action`, else raise RefusedError.

    A rule and a prompt can name the operation, its target and the `unit` that it comes down to. A prompt is shown only
    if the message allows it, and ends with its caller (this is then cancelled).
    """
    check = f"heald-{next(_ids)}"
    details = {"operation": request.operation, "target": _short(request.generations or request.target),
               "unit": _short(unit)}
    subject = ["system-bus-name", {"name": Variant("s", call.sender)}]
    asked = Task(bus.call(
        POLKIT, "CheckAuthorization", "(sa{sv})sa{ss}us", [subject, action, details, int(call.interactive), check],
        expect="(bba{ss})", limit=PROMPT if call.interactive else LIMIT))
    try:
        [(authorized, challenge, _)] = await asked
    except CallError as error:
        if is_silence(error):
            raise silent("polkit") from error
        raise RefusedError("AccessDenied", f"polkit could not be asked: {error.name}") from error
    except (TimeoutError, CancelledError) as error:
        bus.ask(POLKIT, "CancelCheckAuthorization", "s", [check])
        if isinstance(error, TimeoutError):
            raise silent("polkit") from error
        # The place of a caller that left is free when polkit is done with it: else callers that come and go would ask
        # more of it than it can answer, and of the bus more than it lets one connection wait for.
        await wait(asked, seconds=END)
        asked.cancel()
        raise
    if authorized is True:
        return
    if challenge:       # nobody could be asked: the call does not allow it, or its caller has no agent
        raise RefusedError("InteractiveAuthorizationRequired",
                           f"{action} wants a password: allow interactive authorization and start an agent")
    raise RefusedError("AccessDenied", f"polkit does not authorize {action}")


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"{name[:NAME_LENGTH // 2 - 2]}...{name[-NAME_LENGTH // 2 + 1:]}"
