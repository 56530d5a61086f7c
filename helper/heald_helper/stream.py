"""The bytes to and from the bus."""

import socket
from select import POLLERR, POLLHUP, POLLIN, POLLOUT

from .loop import Future, unwatch, watch

CHUNK = 64 * 1024       # bytes taken from the socket at once


class Stream:
    """A connection to the socket at `address`, unix:path=…; OSError where there is none.

    Bytes are read only when somebody wants them, and sent as the socket takes them.
    """

    def __init__(self, address: str) -> None:
        kind, _, path = address.partition("path=")
        if kind != "unix:":
            raise ConnectionError(f"{address} is not of the kind unix:path=")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path.partition(",")[0])
        self._socket.setblocking(False)
        self._read, self._unsent = bytearray(), bytearray()
        self._more: Future[None] | None = None      # while somebody waits for bytes
        self._sent: Future[None] = Future()         # while somebody waits for all to be sent
        self._watch()

    async def read(self, count: int) -> bytes:
        """Exactly so many bytes. ConnectionError where they do not come any more."""
        while len(self._read) < count:
            try:
                data = self._socket.recv(CHUNK)
            except BlockingIOError:
                self._more = Future()
                self._watch()
                await self._more
                continue
            if not data:
                raise ConnectionError("the bus is gone")
            self._read += data
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken

    def write(self, data: bytes) -> None:
        """Send it, now or later. Whether the other end is gone, its reader is told."""
        self._unsent += data
        self._send()

    async def sent(self, but: int = 0) -> None:
        """Wait until all is sent, but for at most so many bytes."""
        while len(self._unsent) > but:
            self._sent = Future()
            await self._sent

    async def close(self) -> None:
        """Send what is left, and leave."""
        await self.sent()
        unwatch(self._socket.fileno())
        self._socket.close()

    def _send(self) -> None:
        try:
            del self._unsent[:self._socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
        if not self._unsent:
            self._sent.end()
        self._watch()

    def _watch(self) -> None:
        wanted = (POLLIN if self._more else 0) | (POLLOUT if self._unsent else 0)
        watch(self._socket.fileno(), wanted, self._event)

    def _event(self, events: int) -> None:
        if events & ~POLLOUT and self._more is not None:
            self._more.end()
            self._more = None
        if self._unsent:
            self._send()
        elif events & (POLLHUP | POLLERR):
            unwatch(self._socket.fileno())      # poll(2) would say so for ever; the next who reads is told by recv(2)
        else:
            self._watch()
