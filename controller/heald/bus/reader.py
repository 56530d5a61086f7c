"""A message read with dbus-next's own decoder, but never more of it than is wanted.

Of a service's many properties a tenth matters, and to decode the rest was most of a look at it. Beside bounded.py this
is the only file that touches dbus-next's inside.
"""
# dbus-next calls itself typed, but half of what is overridden here is not.
# mypy: allow-untyped-calls

from collections.abc import Mapping
from struct import unpack_from
from typing import Any

from dbus_next._private.unmarshaller import MarshallerStreamEndError, Unmarshaller
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import SignatureTree

MAX_BODY = 64 << 10         # bytes of a call or a signal: anyone may send one
MAX_REPLY = 4 << 20         # bytes of a reply: dbus-daemon lets in none that we did not ask for; 3,000 units are 530 kB
MAX_HEADER = 4 << 10        # bytes
SIGNATURES = 256            # of types that dbus-next remembers: it would remember all that it is sent
REPLIES = (MessageType.METHOD_RETURN, MessageType.ERROR)
_LITTLE_ENDIAN = 0x6C
_SIZES = {b"y": 1, b"n": 2, b"q": 2, b"b": 4, b"i": 4, b"u": 4, b"h": 4, b"x": 8, b"t": 8, b"d": 8}
_TEXTS = {b"s", b"o"}
_WIDE = frozenset(b"xtd({")         # elements of an array that begin at a multiple of 8


class Reader(Unmarshaller):
    """Reads one message. One that is too long, or does not decode, is read off; only its header is kept.

    `chosen` names, by the serial of a call, the keys that are wanted of the dictionary in its reply.
    """

    def __init__(self, stream: Any, chosen: Mapping[int, frozenset[bytes]]) -> None:
        super().__init__(stream)
        self.refused = ""           # why the body was not decoded
        self._chosen = chosen
        self._left = 0              # bytes that are still to be dropped
        self._header = b""          # the same header, with a body of 0 bytes
        self._body = 0              # where it begins

    def _unmarshall(self) -> None:
        if not self.refused:
            self.offset = 0
            self.read(16, prefetch=True)
            order = "<" if self.buf[0] == _LITTLE_ENDIAN else ">"
            body, _serial, fields = unpack_from(order + "III", self.buf, 4)
            self._body = header = 16 + fields + (-fields & 7)
            if header <= MAX_HEADER:
                self.read(header, prefetch=True)
                self._header = bytes(self.buf[:4]) + bytes(4) + bytes(self.buf[8:header])
            if header <= MAX_HEADER and body <= self._limit():
                self.read(header + body, prefetch=True)
                whole = self.buf
                self._read_header()
                self._read_body(whole)
                return
            self.refused = "the message is too long"
            self._left = header + body - len(self.buf)
        self._drop()
        self._read_header()

    def _read_body(self, whole: bytearray) -> None:
        message: Any = self.message
        self.buf, self.offset = whole, self._body
        keys = self._chosen.get(message.reply_serial)
        try:
            if keys is not None and message.signature == "a{sv}":
                message.body = [_some(self, keys)]
            elif self.offset < len(whole):
                message.body = [self.read_argument(kind) for kind in message.signature_tree.types]
        except Exception as why:    # noqa: BLE001  any message of a stranger: none may end the connection
            self.refused = f"the message cannot be decoded ({type(why).__name__})"

    def read(self, n: int, prefetch: bool = False) -> int:
        """What is there needs no reading: dbus-next's own makes a function first, a thousand times a message."""
        start: int = self.offset
        if start + n > len(self.buf):
            if self.stream is None:
                raise EOFError
            return int(super().read(n, prefetch))
        if not prefetch:
            self.offset = start + n
        return start

    def read_variant(self, type_: Any = None) -> Any:
        """In a body the value alone: what type it came as, nobody here asks."""
        if self.offset < self._body:
            return super().read_variant(type_)
        [kind] = SignatureTree._get(self.read_signature()).types
        return self.read_argument(kind)

    def _limit(self) -> int:
        return MAX_REPLY if self.buf[1] in {kind.value for kind in REPLIES} else MAX_BODY

    def _drop(self) -> None:
        while self._left:
            data = self.stream.read(min(self._left, 1 << 16))
            if data is None:
                raise MarshallerStreamEndError
            if not data:
                raise EOFError
            self._left -= len(data)

    def _read_header(self) -> None:
        """The message without a body. From here on nothing more is read: what is not there is an error."""
        if len(SignatureTree._cache) > SIGNATURES:
            SignatureTree._cache.clear()
        self.buf, self.stream = bytearray(self._header), None
        try:
            super()._unmarshall()
        except Exception:   # noqa: BLE001  not even a header: nobody can be answered, as with a signal
            self.refused = self.refused or "its header cannot be decoded"
            self.message = Message(message_type=MessageType.SIGNAL, path="/", interface="x.x", member="x")


def _some(reader: Unmarshaller, keys: frozenset[bytes]) -> dict[str, Any]:
    """The a{sv} at the reader's offset, these keys alone. At nonsense it raises what the reader does."""
    buf, number = reader.buf, "<I" if reader.endian == ord("l") else ">I"
    start = (reader.offset + 3) & -4
    at = (start + 11) & -8
    end = at + unpack_from(number, buf, start)[0]
    found: dict[str, Any] = {}
    while at < end:
        at = (at + 7) & -8
        length = unpack_from(number, buf, at)[0]
        key = bytes(buf[at + 4:at + 4 + length])
        at += 5 + length
        kind = bytes(buf[at + 1:at + 1 + buf[at]])
        at += 2 + len(kind)
        if key not in keys and kind in _TEXTS:
            at = (at + 3) & -4
            at += 5 + unpack_from(number, buf, at)[0]
        elif key not in keys and kind in _SIZES:
            at = ((at + _SIZES[kind] - 1) & -_SIZES[kind]) + _SIZES[kind]
        elif key not in keys and kind[:1] == b"a":
            at = (at + 3) & -4
            length = unpack_from(number, buf, at)[0]
            at = (((at + 11) & -8) if kind[1] in _WIDE else at + 4) + length
        else:
            reader.offset = at
            value = reader.read_argument(SignatureTree._get(kind.decode()).types[0])
            at = reader.offset
            if key in keys:
                found[key.decode()] = value
    if at != end:
        raise ValueError("the dictionary does not end where it says")
    reader.offset = at
    return found
