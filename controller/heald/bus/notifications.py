"""org.freedesktop.Notifications, whoever serves it: what is shown, updated in place, and what a person clicks.

The server may be absent, start late, know no buttons, or read markup in a text: it is asked each time (a millisecond).
"""

from collections.abc import Callable, Sequence

from dbus_next.signature import Variant

from ..errors import HealdError
from .connection import Bus

_NAME = INTERFACE = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
_BY_THE_PERSON = 2          # the reason in NotificationClosed, Desktop Notifications Specification
_AS_THE_SERVER_LIKES, _NEVER = -1, 0        # expire_timeout of the same

Key = tuple[str, str]
"""Whose incident, and its id; what has its place on the screen."""
Button = tuple[str, str]
"""What `clicked` is told, and the words on it."""


class Notifications:
    """One place on the screen for each key. `clicked` gets the key and the button; `dismissed` the key that a person
    closed; `emptied` is called when another server serves, or none, and nothing that was shown is there."""

    def __init__(self, bus: Bus, clicked: Callable[[Key, str], None], dismissed: Callable[[Key], None],
                 emptied: Callable[[], None]) -> None:
        self._bus, self._clicked, self._dismissed, self._emptied = bus, clicked, dismissed, emptied
        self._shown: dict[Key, int] = {}

    async def start(self) -> None:
        """Hears of clicks from now on. Starts no server. Raises as Bus.watch."""
        await self._bus.watch(_NAME, _PATH, INTERFACE, "ActionInvoked", lambda body: self._invoked(*body))
        await self._bus.watch(_NAME, _PATH, INTERFACE, "NotificationClosed", lambda body: self._closed(*body))
        self._bus.on_owner(_NAME, self._served_by)

    async def capabilities(self) -> frozenset[str]:
        """What the server can do; "actions" are buttons. HealdError where there is none, and none can be started."""
        [words] = await self._bus.call(_NAME, _PATH, INTERFACE, "GetCapabilities")
        return frozenset(words)

    async def show(self, key: Key, summary: str, body: str, *, urgency: int, stays: bool,
                   buttons: Sequence[Button]) -> None:
        """In the place of what was shown for this key, if it is still there. `urgency`: 0 low, 1 normal, 2 critical.

        Raises as Bus.call.
        """
        known = await self.capabilities()
        if "body-markup" in known:
            body = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        words = [word for button in buttons for word in button] if "actions" in known else []
        [number] = await self._bus.call(
            _NAME, _PATH, INTERFACE, "Notify", "susssasa{sv}i",
            ["heald", self._shown.get(key, 0), "dialog-warning" if urgency else "dialog-information", summary, body,
             words, {"urgency": Variant("y", urgency)}, _NEVER if stays else _AS_THE_SERVER_LIKES])
        self._shown[key] = number

    async def close(self, key: Key) -> None:
        """Takes it off the screen, if it is there; a server that has forgotten it is no error."""
        if number := self._shown.pop(key, 0):
            try:
                await self._bus.call(_NAME, _PATH, INTERFACE, "CloseNotification", "u", [number])
            except HealdError:
                return

    async def close_all(self) -> None:
        """No button is left on the screen that nobody listens to."""
        for key in list(self._shown):
            await self.close(key)

    def _key(self, number: int) -> Key | None:
        return next((key for key, shown in self._shown.items() if shown == number), None)

    def _invoked(self, number: int, button: str) -> None:
        if (key := self._key(number)) is not None:
            del self._shown[key]        # the server takes it away now, and says so: that is no dismissal
            self._clicked(key, button)

    def _closed(self, number: int, reason: int) -> None:
        if (key := self._key(number)) is not None:
            del self._shown[key]
            if reason == _BY_THE_PERSON:
                self._dismissed(key)

    def _served_by(self, _owner: str) -> None:
        self._shown.clear()
        self._emptied()
