"""The helper's one connection to the bus.

dbus_next's own connection decodes whatever arrives, however large, and dies of a full socket. Here what is too long is
read off and dropped undecoded, and everything else gets its turn between messages.
"""

import os
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from struct import unpack_from
from typing import Any

from .codec import Message, MessageFlag, MessageType, Variant, decode, encode
from .loop import Future, Task, turn, wait
from .stream import Stream

__all__ = ["BUS", "Bus", "Call", "CallError", "Peer", "Variant"]

MAX_BODY = 4 * 1024
"""Bytes in the body of a call or signal. Ours need less than 1 KiB; thousands of calls may wait for an answer at once,
and 240 connections of one user that each held 60 kB got the helper killed for its memory."""
MAX_HEAD = 4 * 1024
"""Bytes in a message's header; the bus bounds every field of it to 255 but the object path."""
READ_HEAD = 64 * 1024
"""Bytes in a header that is still looked at, to answer that it is too long."""
MAX_REPLY = 4 * 1024 * 1024
"""Bytes in the answer to a call of our own. All properties of a unit are about 15 kB."""
TURN = 32
"""Messages read before the rest of the loop has its turn."""
UNSENT = 256 * 1024
"""Bytes of answers that may wait for the bus to take them: above it no further call is read. The answer to a call of
150 bytes is 9 kB; 240 connections of one user that each asked 128 times made 225 MB of them."""
LIMIT = 10.0
"""Seconds to wait for an answer."""

Peer = tuple[str, str, str]
"""Whom to call: bus name, object path, interface."""
BUS: Peer = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_ANSWERS = {MessageType.METHOD_RETURN, MessageType.ERROR}
_TOO_LONG = "org.freedesktop.DBus.Error.LimitsExceeded"


class CallError(Exception):
    """An error that a peer answered with: its D-Bus name and its text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class Call:
    """A method call that was sent to us and wants an answer: exactly one is given."""

    def __init__(self, bus: "Bus", message: Message) -> None:
        self._bus, self._serial = bus, message.serial
        self.sender = str(message.sender)
        self.path, self.interface, self.member = str(message.path), message.interface or "", str(message.member)
        self.signature, self.body = str(message.signature), list(message.body)
        self.interactive = bool(message.flags & MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION)

    def reply(self, signature: str, *body: Any) -> None:
        self._answer(message_type=MessageType.METHOD_RETURN, signature=signature, body=list(body))

    def error(self, name: str, text: str) -> None:
        self._answer(message_type=MessageType.ERROR, error_name=name, signature="s", body=[text])

    def _answer(self, **fields: Any) -> None:
        if self._serial:
            self._bus.send(destination=self.sender, reply_serial=self._serial, **fields)
        self._serial = 0


class Bus:
    """A connection. `on_call` is set before a name is requested; `on_vanished` is told of every client that left."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._serial = 0
        self._answers: dict[int, Future[Message]] = {}
        self._followed = ""
        self._owner: str | None = None      # who owns it; None: not known yet
        self._handler: Callable[[str, list[Any]], None] = lambda _member, _body: None
        self.on_call: Callable[[Call], None] = lambda call: call.error("org.heald.Error.Failed", "not ready yet")
        self.on_vanished: Callable[[str], None] = lambda _name: None
        self.lost = Task(self._read_all())

    @classmethod
    async def connect(cls, address: str) -> "Bus":
        """Connect to the bus at `address` (unix:path=…) as our own uid. OSError where that fails."""
        stream = Stream(address)
        stream.write(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        said = b""
        while not said.endswith(b"\n"):
            said += await stream.read(1)
        if not said.startswith(b"OK "):
            raise ConnectionError("the bus did not accept our uid")
        stream.write(b"BEGIN\r\n")
        return cls(stream)

    def greet(self) -> list[Coroutine[Any, Any, Any]]:
        """Calls to begin in this order: tell the bus that we are there, and that we want to hear who left."""
        return [self.call(BUS, "Hello", expect="s"),
                self.match("sender='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''")]

    async def own(self, name: str) -> None:
        """Take `name`; ConnectionError if another has it. 4 is DO_NOT_QUEUE, 1 PRIMARY_OWNER."""
        if await self.call(BUS, "RequestName", "su", [name, 4], expect="u") != [1]:
            raise ConnectionError(f"{name} belongs to another process")

    async def match(self, rule: str) -> None:
        await self.call(BUS, "AddMatch", "s", [f"type='signal',{rule}"], expect="")

    def follow(self, name: str, handler: Callable[[str, list[Any]], None]) -> list[Coroutine[Any, Any, Any]]:
        """Hand the signals of `name` to `handler`, and believe them only from whoever owns it now; calls as above."""
        self._followed, self._handler = name, handler
        return [self.match(f"sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{name}'"),
                self._ask_owner(name)]

    async def _ask_owner(self, name: str) -> None:
        with suppress(CallError):       # not there yet: NameOwnerChanged will tell
            [owner] = await self.call(BUS, "GetNameOwner", "s", [name], expect="s")
            if self._owner is None:     # what NameOwnerChanged told meanwhile is newer
                self._owner = owner

    async def call(self, peer: Peer, member: str, signature: str = "", body: Sequence[Any] = (),
                   *, expect: str, limit: float = LIMIT) -> list[Any]:
        """The body of the answer, its variants unpacked. `expect` is the signature it must have.

        CallError: the peer answered with an error, or with another signature. TimeoutError: not in `limit` seconds.
        """
        if self.lost.done():
            raise ConnectionError("the bus is gone")
        answer: Future[Message] = Future()
        self._answers[serial := self._serial + 1] = answer
        try:
            self.ask(peer, member, signature, body)
            if not await wait(answer, seconds=limit):
                raise TimeoutError
            message = answer.result()
        finally:
            self._answers.pop(serial, None)
        if message.message_type is MessageType.ERROR:
            raise CallError(str(message.error_name), str(message.body[0]) if message.body else "")
        if message.signature != expect:
            raise CallError("org.freedesktop.DBus.Error.InvalidSignature", f"{member} answered {message.signature!r}")
        return list(message.body)

    def ask(self, peer: Peer, member: str, signature: str, body: Sequence[Any]) -> None:
        """Send a method call whose answer nobody waits for."""
        destination, path, interface = peer
        self.send(destination=destination, path=path, interface=interface, member=member,
                  signature=signature, body=list(body))

    def signal(self, path: str, interface: str, member: str, signature: str, *body: Any) -> None:
        self.send(message_type=MessageType.SIGNAL, path=path, interface=interface, member=member,
                  signature=signature, body=list(body))

    def send(self, **fields: Any) -> None:
        """Queue one message; a full socket is waited for, not died of."""
        self._serial += 1
        self._stream.write(encode(Message(serial=self._serial, **fields)))

    async def close(self) -> None:
        """Send what is queued and leave."""
        self.lost.cancel()
        await self._stream.close()

    async def _read_all(self) -> None:
        """Ends only with the connection; then every call that waits ends too."""
        try:
            while True:
                for _ in range(TURN):
                    await self._read()
                await turn()
                await self._stream.sent(UNSENT)
        finally:
            for answer in self._answers.values():
                answer.end(error=ConnectionError("the bus is gone"))

    async def _read(self) -> None:
        start = await self._stream.read(16)
        body, fields = unpack_from("<I4xI" if start[0] == ord("l") else ">I4xI", start, 4)
        fields += -fields & 7
        unanswered = start[1] == MessageType.METHOD_CALL.value and start[2] & MessageFlag.NO_REPLY_EXPECTED.value
        if unanswered or 16 + fields > READ_HEAD:
            await self._drop(fields + body)
            return
        head = start + await self._stream.read(fields)
        limit = MAX_REPLY if start[1] in {kind.value for kind in _ANSWERS} else MAX_BODY
        if body <= limit and len(head) <= MAX_HEAD:
            self._take(decode(head, await self._stream.read(body)), "")
        else:
            await self._drop(body)
            self._take(decode(head[:4] + bytes(4) + head[8:], b""), "the message is too long")

    async def _drop(self, length: int) -> None:
        while length:
            length -= len(await self._stream.read(min(length, READ_HEAD)))

    def _take(self, message: Message | None, refused: str) -> None:
        if message is None:
            return
        if message.message_type in _ANSWERS:
            answer = self._answers.get(message.reply_serial)
            if answer:
                answer.end(message, CallError(_TOO_LONG, refused) if refused else None)
        elif message.message_type is MessageType.SIGNAL:
            if not refused:
                self._signalled(message)
        else:
            call = Call(self, message)
            if refused:
                call.error(_TOO_LONG, refused)
            else:
                self.on_call(call)

    def _signalled(self, message: Message) -> None:
        """Nobody can forge the bus's own name as sender; any other sender must own the name it speaks for."""
        if message.sender == BUS[0] and message.member == "NameOwnerChanged" and message.signature == "sss":
            name, _, owner = message.body
            if name == self._followed:
                self._owner = owner
            elif not owner:
                self.on_vanished(name)
        elif message.sender and message.sender == self._owner:
            self._handler(str(message.member), message.body)
