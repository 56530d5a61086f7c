"""The process: connect, own the name, serve, and leave without losing a call."""

from . import light     # isort: skip  # noqa: F401  before all else

import gc
import os
import signal
import sys

from . import contract
from .loop import Future, Task, Timer, on_signal, run, turn, wait
from .systemd import Manager
from .wire import BUS, Bus, CallError


async def serve() -> None:
    """Until idle, until SIGTERM, or until the bus is gone (ConnectionError)."""
    bus = await Bus.connect(os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/system_bus_socket"))
    manager, stop = Manager(bus), Future[None]()
    on_signal(signal.SIGTERM, stop.end)
    greeting = [Task(call) for call in (*bus.greet(), *manager.attach(), bus.own(contract.NAME))]
    await turn()        # all is sent, in this order; what comes to our name meanwhile waits in the socket
    from .limits import Ledger  # noqa: PLC0415  these are the larger half, loaded while the bus answers
    from .service import Helper  # noqa: PLC0415
    from .settings import File  # noqa: PLC0415

    file = File()
    helper = Helper(bus, manager, file, Ledger(os.environ.get("RUNTIME_DIRECTORY", "/run/heald-helper"), file))
    for call in greeting:
        await call
    await wait(helper.idle, stop, bus.lost, first=True)
    if bus.lost.done():
        bus.lost.result()       # raises why
    signal.signal(signal.SIGTERM, signal.SIG_IGN)       # systemd sends it as soon as the name is given back
    if stop.done():
        helper.end()
        await helper.finish()
    # The answer is a barrier: all that was sent to the name is in our tasks; a later call starts another helper.
    await bus.call(BUS, "ReleaseName", "s", [contract.NAME], expect="u")
    Timer(contract.WAIT, helper.end)        # what was begun in that moment goes on without us: others want to be served
    await helper.finish()
    await bus.close()


def main() -> None:
    """Exit code 1 and one line where the bus cannot be reached or was lost."""
    gc.freeze()
    gc.enable()
    try:
        run(serve())
    except (OSError, CallError, TimeoutError) as error:
        sys.exit(f"heald-helper: {error}")


if __name__ == "__main__":
    main()
