"""`call.py [--agent | --interactive] [--between=N-M] METHOD OPERATION TARGET`: calls the helper on the system bus and
prints its answer as a line of JSON.

Runs inside the machine with the distribution's own Python and GLib, so that the helper is met by another D-Bus library
than its own. --interactive allows polkit to ask for a password; --agent starts a pkttyagent for this process, too.
"""

import json
import os
import subprocess
import sys

from gi.repository import Gio, GLib  # type: ignore[import-untyped]  # PyGObject has no types


def main() -> None:
    agent = "--agent" in sys.argv
    interactive = agent or "--interactive" in sys.argv
    method, operation, target = sys.argv[-3:]
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    flags = Gio.DBusCallFlags.NONE
    asks = start_agent() if agent else None
    if interactive:
        flags = Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION
    between = next((word.partition("=")[2].split("-") for word in sys.argv if word.startswith("--between=")), [])
    options = {key: GLib.Variant("u", int(number)) for key, number in zip(("current", "target"), between, strict=False)}
    arguments = GLib.Variant("(ssa{sv})", (operation, target, options))
    try:
        reply = bus.call_sync("org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1", method, arguments,
                              GLib.VariantType("(a{sv})"), flags, 60_000)
    except GLib.Error as error:
        name = Gio.DBusError.get_remote_error(error) or error.message
        Gio.DBusError.strip_remote_error(error)
        print(json.dumps({"error": name.rpartition(".")[2], "text": error.message}))
    else:
        print(json.dumps({"report": reply.unpack()[0]}))
    if asks:                # it would keep the terminal
        asks.terminate()
        asks.wait()


def start_agent() -> "subprocess.Popen[bytes]":
    """Returns once polkit knows the agent, which says so by closing the pipe. It must be told the bus's own process."""
    ready, tell = os.pipe()
    agent = subprocess.Popen(["pkttyagent", "--process", str(os.getpid()), "--notify-fd", str(tell)], pass_fds=[tell])
    os.close(tell)
    os.read(ready, 1)
    return agent


main()
