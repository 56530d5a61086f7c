"""`costs.py UNIT`: median milliseconds of a call of the helper that is refused, and of one that restarts UNIT.

Runs inside the machine, as root, whom the helper does not count. Printed, not judged: they depend on the host.
"""

import sys
import time
from statistics import median

from gi.repository import Gio, GLib  # type: ignore[import-untyped]  # PyGObject has no types

CALLS = 20
HELPER = ("org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1")
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)


def cost(operation: str) -> float:
    """Milliseconds until it was answered."""
    began = time.monotonic()
    try:
        bus.call_sync(*HELPER, "HealService", GLib.Variant("(ssa{sv})", (operation, sys.argv[1], {})), None,
                      Gio.DBusCallFlags.NONE, 60_000, None)
    except GLib.Error as error:
        if operation == "restart" or "Healthy" not in error.message:
            raise
    return 1000 * (time.monotonic() - began)


for name, operation in (("refused as healthy", "start"), ("restarted", "restart")):
    cost(operation)     # the first one may start the helper
    print(f"{name} {median(cost(operation) for _ in range(CALLS)):.1f} ms", end="; ")
