"""Everything in the controller that speaks D-Bus; dbus_next is imported here and nowhere else in this half."""
