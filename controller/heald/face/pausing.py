"""`healctl pause` and `resume`: a person asks the daemon to keep its hands off something."""

from contextlib import closing
from typing import Any

from heald import quantities
from heald.bus.connection import Bus
from heald.bus.controller1 import ask, read_published
from heald.errors import Code, HealdError
from heald.face.agent import password_agent
from heald.face.known import run


def pause(subject: str, span: str) -> dict[str, Any]:
    """Has the daemon pause one subject; what is paused then. HealdError(INVALID_ARGS) for a wrong span or subject."""
    return run(pause_now(subject, span))


def resume(subject: str) -> dict[str, Any]:
    """Has the daemon end a pause; what is paused then."""
    return run(resume_now(subject))


async def pause_now(subject: str, span: str) -> dict[str, Any]:
    """As `pause`, in a loop that runs."""
    try:
        seconds = int(quantities.seconds(span))
    except ValueError as error:
        raise HealdError(Code.INVALID_ARGS, str(error)) from None
    return await _asked("Pause", "st", subject, seconds)


async def resume_now(subject: str) -> dict[str, Any]:
    """As `resume`, in a loop that runs."""
    return await _asked("Resume", "s", subject)


async def _asked(method: str, signature: str, *arguments: object) -> dict[str, Any]:
    bus = await Bus.connect()
    with closing(bus), password_agent(wanted=True):
        await ask(bus, method, signature, *arguments)
        return {"version": 1, "paused": (await read_published(bus))["Paused"]}
