"""Stands in for logind in a machine, which as a container never sleeps and could not be watched while it goes down.

Owns org.freedesktop.login1. Its method Say(s signal, b start) sends PrepareForSleep or PrepareForShutdown from there.
"""

from gi.repository import Gio, GLib  # type: ignore[import-untyped]  # PyGObject has no types

NAME, PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
XML = """<node><interface name="org.freedesktop.login1.Manager">
  <method name="Say"><arg name="signal" type="s"/><arg name="start" type="b"/></method>
  <method name="ListInhibitors"><arg type="a(ssssuu)" direction="out"/></method>
  <property name="PreparingForShutdown" type="b" access="read"/>
  <property name="PreparingForSleep" type="b" access="read"/>
</interface></node>"""
now = {"PreparingForShutdown": False, "PreparingForSleep": False}


def called(*call) -> None:  # type: ignore[no-untyped-def]
    bus, _sender, path, interface, member, arguments, invocation = call
    if member == "ListInhibitors":
        invocation.return_value(GLib.Variant("(a(ssssuu))", ([],)))
        return
    signal, start = arguments.unpack()
    now[signal.replace("Prepare", "Preparing")] = start
    bus.emit_signal(None, path, interface, signal, GLib.Variant("(b)", (start,)))
    invocation.return_value(None)


def main() -> None:
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    interface = Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0]
    bus.register_object(PATH, interface, called, lambda *asked: GLib.Variant("b", now[asked[4]]), None)
    Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, None, None)
    GLib.MainLoop().run()


main()
