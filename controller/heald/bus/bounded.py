"""A connection of dbus-next that no message can stall and no full socket can end.

dbus-next 0.2.3 decodes whatever arrives (30 MB: 4 to 6 s), takes a full outgoing socket for the end of the connection,
drains its socket without a pause, waits for ever for a reply when the bus is gone, spins when the bus goes during
authentication, and answers unknown calls by itself. Beside reader.py this file is the only one that touches its inside.
"""
# dbus-next calls itself typed, but half of what is overridden here is not.
# mypy: allow-untyped-calls

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from dbus_next._private.unmarshaller import Unmarshaller
from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message

from .reader import REPLIES, Reader

BATCH = 32                  # messages a turn of the event loop


class _Sender:
    """The socket as dbus-next's writer sees it: a full one sends 0 bytes and is tried again when it is writable."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, data: memoryview) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0


class BoundedBus(MessageBus):
    """A bus connection with bounded reading.

    `received` gets each call that wants an answer and each signal; `ended` is called once, when the connection ends.
    """

    def __init__(self, address: str, received: Callable[[Message], None], ended: Callable[[], None]) -> None:
        self._chosen: dict[int, frozenset[bytes]] = {}      # by a call's serial, what is wanted of its reply
        try:
            super().__init__(bus_address=address)
        except OSError:
            self._close_socket()
            raise
        self._writer.sock = _Sender(self._sock)
        self._received, self._ended = received, ended
        self._continues = False         # a further turn of reading is due

    async def connect(self) -> Self:
        """As dbus-next's own, whose Hello leaves a traceback behind where the bus hangs up. ConnectionError then."""
        await self._authenticate()
        self._loop.add_reader(self._fd, self._message_reader)
        hello = self.request(Message(destination="org.freedesktop.DBus", path="/org/freedesktop/DBus",
                                     interface="org.freedesktop.DBus", member="Hello"))
        self._loop.add_writer(self._fd, self._writer.write_callback)
        reply = await hello
        if reply.message_type is MessageType.ERROR:
            raise ConnectionError("the bus refused us")
        self.unique_name = reply.body[0]
        return self

    def request(self, message: Message, keys: frozenset[bytes] | None = None) -> "asyncio.Future[Message]":
        """Sends a call. The future has the reply or the error message; ConnectionError when the bus goes.

        Of a reply that is one a{sv} only `keys` are decoded. Raises ValueError or TypeError where the body does not fit
        the signature. Cancel the future to forget it.
        """
        if self._disconnected:
            raise ConnectionError("the connection to the bus has ended")
        message.serial = self.next_serial()
        future: asyncio.Future[Message] = self._loop.create_future()

        def answered(reply: Message | None, _error: Exception | None) -> None:
            if future.done():
                return
            if reply is None:
                future.set_exception(ConnectionError("the connection to the bus has ended"))
            else:
                future.set_result(reply)

        def forget(_: object) -> None:
            self._method_return_handlers.pop(message.serial, None)
            self._chosen.pop(message.serial, None)

        self._method_return_handlers[message.serial] = answered
        if keys is not None:
            self._chosen[message.serial] = keys
        self._send(message)
        future.add_done_callback(forget)
        return future

    def post(self, message: Message) -> None:
        """Sends a message that nobody answers: a reply, a signal, a call with NO_REPLY_EXPECTED."""
        if not self._disconnected:
            message.serial = self.next_serial()
            self._send(message)

    def _send(self, message: Message) -> None:
        """Now, where the socket takes it: dbus-next's own way waits for a turn of the loop first."""
        self._writer.schedule_write(message)
        if self.unique_name:
            self._writer.write_callback()

    def close(self) -> None:
        """Ends the connection now; what was not sent is lost."""
        self._user_disconnect = True
        self._finalize()

    def _create_unmarshaller(self) -> Unmarshaller:
        return Reader(self._stream, self._chosen)

    def _message_reader(self) -> None:
        if not self._continues:         # else the loop found more to read while a turn of ours is due already
            self._read_some()

    def _read_some(self) -> None:
        self._continues = False
        try:
            for _ in range(BATCH):
                if self._disconnected or not self._unmarshaller.unmarshall():
                    return
                read, self._unmarshaller = self._unmarshaller, self._create_unmarshaller()
                self._take(read.message, read.refused)
            self._continues = True
            self._loop.call_soon(self._read_some)           # others have their turn first
        except (EOFError, OSError) as why:
            self._finalize(why)

    def _take(self, message: Message, refused: str) -> None:
        if message.message_type in REPLIES:
            answered = self._method_return_handlers.get(message.reply_serial)
            if answered is not None:
                answered(_limits_exceeded(message, message.reply_serial, refused) if refused else message, None)
        elif message.message_type is MessageType.SIGNAL:
            if not refused:
                self._received(message)
        elif not message.flags & MessageFlag.NO_REPLY_EXPECTED:
            if refused:
                self.post(_limits_exceeded(message, message.serial, refused))
            else:
                self._received(message)

    async def _auth_readline(self) -> str:
        line = bytearray()
        while not line.endswith(b"\r\n"):
            byte = await self._loop.sock_recv(self._sock, 1)
            if not byte:
                raise ConnectionError("the bus closed the connection")
            line += byte
        return line[:-2].decode("ascii", errors="replace")

    def _finalize(self, err: BaseException | None = None) -> None:
        if self._disconnected:
            return
        super()._finalize(err)
        if self._disconnect_future.done():
            self._disconnect_future.exception()     # read, or asyncio logs that nobody did; `ended` tells it
        self._close_socket()
        self._ended()

    def _close_socket(self) -> None:
        with suppress(OSError):         # what could not be sent before cannot be sent now
            self._stream.close()
        self._sock.close()


def _limits_exceeded(message: Message, reply_serial: int, why: str) -> Message:
    return Message(message_type=MessageType.ERROR, error_name="org.freedesktop.DBus.Error.LimitsExceeded",
                   destination=message.sender, reply_serial=reply_serial, signature="s", body=[why])
