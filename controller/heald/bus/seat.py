"""Whether the person whose session this is could do something about the machine: an administrator, at its screen."""

import grp
import os
import pwd
from collections.abc import Callable
from typing import Any

from ..errors import HealdError
from .connection import Bus

ADMINISTRATORS = frozenset({"sudo", "wheel", "admin"})
"""Groups whose members polkit takes for administrators: Debian's, everyone else's, and Ubuntu's of old. polkit itself
tells nobody: its rules are a program."""

_LOGIND, _PATH = "org.freedesktop.login1", "/org/freedesktop/login1"


class Seat:
    """Of the user who runs this. polkit asks a person in their display session, as logind names it; so does this."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def watch(self, changed: Callable[[], None]) -> None:
        """Calls `changed` when this session comes to the front or goes from it. Raises as Bus.watch."""
        if session := await self._session():
            await self._bus.watch(_LOGIND, session, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                  lambda body: changed() if "Active" in {*body[1], *body[2]} else None)

    async def can_act(self) -> bool:
        """Whether a question about the machine is for them, now."""
        return is_administrator() and await self._at_the_screen()

    async def _at_the_screen(self) -> bool:
        if not (path := await self._session()):
            return False
        try:
            session: dict[str, Any] = await self._bus.properties(_LOGIND, path, f"{_LOGIND}.Session")
        except HealdError:
            return False                # it has ended
        return session["Active"] is True and bool(session["Seat"][0]) and not session["Remote"]

    async def _session(self) -> str:
        """The object path of this user's display session; "" = they have none, or logind does not answer."""
        try:
            [user] = await self._bus.call(_LOGIND, _PATH, f"{_LOGIND}.Manager", "GetUser", "u", [os.getuid()])
            number, path = await self._bus.property(_LOGIND, user, f"{_LOGIND}.User", "Display")
        except HealdError:
            return ""
        return str(path) if number else ""


def is_administrator() -> bool:
    """Whether the user is in one of the groups, by the system's databases as polkit reads them: now, not at login."""
    try:
        user = pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return any(_name(number) in ADMINISTRATORS for number in os.getgrouplist(user.pw_name, user.pw_gid))


def _name(group: int) -> str:
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return ""
