"""Prints all that can be read on a person's screen, a JSON object a line: {app, role, text, x, y, width, height}.

Runs in the machine as that person, with the distribution's own Python: what a screen reader is told, by AT-SPI.
"""

import json
from collections.abc import Iterator

import gi  # type: ignore[import-untyped]  # PyGObject has no types

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # type: ignore[import-untyped]  # noqa: E402 - its version comes first

READ = {"label", "push button", "password text"}


def below(one) -> Iterator:  # type: ignore[no-untyped-def,type-arg]
    if one is None:
        return
    yield one
    for place in range(one.get_child_count()):
        yield from below(one.get_child_at_index(place))


def main() -> None:
    Atspi.init()
    desktop = Atspi.get_desktop(0)
    for place in range(desktop.get_child_count()):
        app = desktop.get_child_at_index(place)
        for one in below(app):
            try:
                if one.get_role_name() in READ and one.get_state_set().contains(Atspi.StateType.SHOWING):
                    at = one.get_extents(Atspi.CoordType.SCREEN)
                    print(json.dumps({"app": app.get_name(), "role": one.get_role_name(), "text": one.get_name(),
                                      "x": at.x, "y": at.y, "width": at.width, "height": at.height}))
            except GLib.Error:      # it went while it was read
                continue


main()
