"""heald's root half: org.heald.Helper1. Standard library and dbus-next only; nothing of the controller."""

__version__ = "0.1.0"
