"""What is not imported, though what is imported would: Python's imports are most of the helper's start.

Imported before everything else, by the process alone. Tried with Python 3.11 and dbus-next 0.2.3.
"""

import gc
import sys
from importlib.machinery import PathFinder
from types import ModuleType

gc.disable()                                # main() enables it: what is imported stays

_spec = PathFinder.find_spec("dbus_next")
if _spec is not None:
    _package = ModuleType("dbus_next")      # its own __init__ imports clients, introspection, asyncio and GLib's loop
    _package.__path__ = list(_spec.submodule_search_locations or ())
    sys.modules["dbus_next"] = _package
