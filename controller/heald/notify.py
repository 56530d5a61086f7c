"""sd_notify(3): what the daemon tells systemd about itself."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send "READY=1", "STATUS=…", "WATCHDOG=1"; nothing where systemd does not listen."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.connect("\0" + address[1:] if address[0] == "@" else address)
        sock.sendall(state.encode())


def watchdog_seconds() -> float:
    """How often systemd wants to hear from us, halved as sd_watchdog_enabled(3) advises; infinite where it does not."""
    limit = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    return limit / 2 if limit else float("inf")
