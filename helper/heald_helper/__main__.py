"""The process: connect, own the name, serve, and leave without losing a call."""

from . import light     # isort: skip  # noqa: F401  before asyncio

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from . import contract, limits
from .service import Helper
from .settings import File
from .systemd import Manager
from .wire import BUS, Bus, CallError


async def serve() -> None:
    """Until idle, until SIGTERM, or until the bus is gone (ConnectionError)."""
    bus = await Bus.connect(os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/system_bus_socket"))
    file = File()
    helper = Helper(bus, await Manager.attach(bus), file, limits.Ledger(
        Path(os.environ.get("RUNTIME_DIRECTORY", "/run/heald-helper")), file.read()))
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await bus.own(contract.NAME)
    ends = [asyncio.create_task(event.wait()) for event in (helper.idle, stop)]
    await asyncio.wait({*ends, bus.lost}, return_when=asyncio.FIRST_COMPLETED)
    if bus.lost.done():
        raise ConnectionError("the bus is gone")
    loop.add_signal_handler(signal.SIGTERM, lambda: None)       # systemd sends it as soon as the name is given back
    if stop.is_set():
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
        asyncio.run(serve())
    except (OSError, CallError, TimeoutError) as error:
        sys.exit(f"heald-helper: {error}")


if __name__ == "__main__":
    main()
