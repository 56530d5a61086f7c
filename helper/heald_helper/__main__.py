"""The process: connect, own the name, serve, and leave without losing a call."""

from . import light     # isort: skip  # noqa: F401  before all else

import gc
import os
import signal
import sys

from . import contract, limits, loop
from .service import Helper
from .settings import File
from .systemd import Manager
from .wire import BUS, Bus, CallError


async def serve() -> None:
    """Until idle, until SIGTERM, or until the bus is gone (ConnectionError)."""
    bus = await Bus.connect(os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/system_bus_socket"))
    file, manager = File(), Manager(bus)
    helper = Helper(bus, manager, file, limits.Ledger(
        os.environ.get("RUNTIME_DIRECTORY", "/run/heald-helper"), file.read()))
    stop: loop.Future[None] = loop.Future()
    loop.on_signal(signal.SIGTERM, stop.end)
    # One after the other, but nothing waits for an answer: what comes to our name finds us ready.
    await loop.together(*bus.greet(), *manager.attach(), bus.own(contract.NAME))
    await loop.wait(helper.idle, stop, bus.lost, first=True)
    if bus.lost.done():
        raise ConnectionError("the bus is gone")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)       # systemd sends it as soon as the name is given back
    if stop.done():
        helper.end()
        await helper.finish()
    # The answer is a barrier: all that was sent to the name is in our tasks; a later call starts another helper.
    await bus.call(BUS, "ReleaseName", "s", [contract.NAME], expect="u")
    await helper.finish()
    await bus.close()


def main() -> None:
    """Exit code 1 and one line where the bus cannot be reached or was lost."""
    gc.freeze()
    gc.enable()
    try:
        loop.run(serve())
    except (OSError, CallError, TimeoutError) as error:
        sys.exit(f"heald-helper: {error}")


if __name__ == "__main__":
    main()
