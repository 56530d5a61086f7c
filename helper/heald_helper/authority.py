"""One question to polkit: may this caller do this? Anything but a plain yes is no."""

import asyncio
from itertools import count

from .contract import RefusedError
from .wire import Bus, Call, CallError, Variant

POLKIT = ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
          "org.freedesktop.PolicyKit1.Authority")
LIMIT = 10.0
"""Seconds for an answer where nobody is asked for a password."""
PROMPT = 120.0
"""Seconds that a password prompt stays up."""
LAST_WORD = 5.0
"""Seconds for the answer to a check that we ended: a yes that raced with that is still a yes."""

_ids = count(1)


async def authorize(bus: Bus, call: Call, action: str, details: dict[str, str]) -> None:
    """Return if polkit lets the sender of `call` do `action`, else raise RefusedError.

    A prompt is shown only if the message allows it, and ends with its caller (this is then cancelled).
    """
    check = f"heald-{next(_ids)}"
    limit, last_word = (PROMPT, LAST_WORD) if call.interactive else (LIMIT, 0.0)
    subject = ["system-bus-name", {"name": Variant("s", call.sender)}]
    asked = asyncio.ensure_future(bus.call(
        POLKIT, "CheckAuthorization", "(sa{sv})sa{ss}us",
        [subject, action, details, int(call.interactive), check],
        expect="(bba{ss})", limit=limit + last_word))
    try:
        if not (await asyncio.wait({asked}, timeout=limit))[0]:
            _end(bus, check)
        authorized, challenge, _ = (await asked)[0]
    except asyncio.CancelledError:
        _end(bus, check)
        asked.cancel()
        raise
    except CallError as error:
        raise RefusedError("AccessDenied", f"polkit could not be asked: {error.name}") from error
    except TimeoutError as error:
        raise RefusedError("Timeout", "polkit did not answer: see systemctl status polkit") from error
    if authorized is True:
        return
    if challenge:       # nobody could be asked: the call does not allow it, or its caller has no agent
        raise RefusedError("InteractiveAuthorizationRequired",
                           f"{action} wants a password: allow interactive authorization and start an agent")
    raise RefusedError("AccessDenied", f"polkit does not authorize {action}")


def _end(bus: Bus, check: str) -> None:
    bus.ask(POLKIT, "CancelCheckAuthorization", "s", [check])
