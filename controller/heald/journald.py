"""What the daemon says: by the journal's native protocol, systemd.journal-fields(7), a line, and fields by which
journalctl finds it again."""

import os
import socket
from collections.abc import Iterable
from contextlib import suppress

from heald import telling

SOCKET = "/run/systemd/journal/socket"
LONGEST = 8192          # bytes kept of a value: the whole must fit into one datagram

Field = tuple[str, str]


def say(line: str) -> None:
    """To the journal, with fields, or whoever reads our output; one who reads no more is no reason to end."""
    fields = line.fields if isinstance(line, telling.Line) else telling.line(line).fields
    if connected(1) and send((("MESSAGE", line), ("SYSLOG_IDENTIFIER", "heald"), *fields)):
        return
    with suppress(OSError):
        print(line, flush=True)


def connected(descriptor: int) -> bool:
    """Whether this descriptor leads to the journal, as systemd said when it started us (JOURNAL_STREAM)."""
    with suppress(OSError):
        there = os.fstat(descriptor)
        return os.environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"
    return False


def send(fields: Iterable[Field]) -> bool:
    """One entry; a name may come more than once. Whether it was sent: else it must be said in another way."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)         # a journal that is stuck does not hold up a repair
            sock.sendto(datagram(fields), SOCKET)
    except OSError:
        return False
    return True


def datagram(fields: Iterable[Field]) -> bytes:
    """NAME=value where the value is one line, else NAME, its length as a little-endian 64 bit number, and the value."""
    lines = []
    for name, text in fields:
        value = text.encode(errors="replace")[:LONGEST]
        plain = b"\n" not in value
        lines.append(name.encode() + (b"=" if plain else b"\n" + len(value).to_bytes(8, "little")) + value + b"\n")
    return b"".join(lines)
