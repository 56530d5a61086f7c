"""One question to polkit about somebody who called us: may they? Anything but a plain yes is no."""

import asyncio
import re
from itertools import count

from dbus_next.signature import Variant

from ..errors import Code, HealdError
from .connection import Bus

_POLKIT = ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
           "org.freedesktop.PolicyKit1.Authority")
_PLAIN, _PROMPT = 10.0, 120.0   # seconds for an answer; where a person is asked, seconds that the prompt stays up
_ids = count(1)


async def authorize(bus: Bus, sender: str, action: str, details: dict[str, str], *, interactive: bool) -> None:
    """Returns if polkit lets `sender` do `action`; else HealdError. A person is asked only where `interactive`."""
    check = f"heald-controller-{next(_ids)}"
    subject = ["system-bus-name", {"name": Variant("s", sender)}]
    try:
        [(authorized, challenge, _)] = await bus.call(
            *_POLKIT, "CheckAuthorization", "(sa{sv})sa{ss}us",
            [subject, action, {key: _safe(value) for key, value in details.items()}, int(interactive), check],
            timeout=_PROMPT if interactive else _PLAIN)
    except (HealdError, asyncio.CancelledError) as error:
        bus.spawn(_cancel(bus, check), "a question to polkit is taken back")
        if isinstance(error, asyncio.CancelledError) or error.code is Code.TIMEOUT:
            raise
        raise HealdError(Code.ACCESS_DENIED, f"polkit could not be asked: {error}") from None
    if authorized is True:
        return
    if challenge:
        raise HealdError(Code.INTERACTIVE, f"{action} wants a password: allow interactive authorization, "
                                           "and start an agent")
    raise HealdError(Code.ACCESS_DENIED, f"polkit does not authorize {action}")


async def _cancel(bus: Bus, check: str) -> None:
    try:
        await bus.call(*_POLKIT, "CancelCheckAuthorization", "s", [check])
    except HealdError:
        return                      # it has ended by itself


def _safe(detail: str) -> str:
    """Agents render details as markup, and a long one pushes the buttons off the screen."""
    text = re.sub(r"[^A-Za-z0-9:_.@\\/-]", "_", detail)
    return text if len(text) <= 80 else f"{text[:38]}...{text[-38:]}"
