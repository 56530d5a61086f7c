"""Messages to and from bytes: the only file that imports dbus_next, and of it nothing but this."""
# dbus-next calls itself typed, but its codec is not.
# mypy: allow-untyped-calls

from typing import Any

import dbus_next.errors  # noqa: F401  first: dbus_next's modules go round in a circle that begins here
from dbus_next._private.unmarshaller import Unmarshaller
from dbus_next.constants import MessageFlag, MessageType
from dbus_next.message import Message
from dbus_next.signature import SignatureTree, Variant

from .loop import tell

__all__ = ["Message", "MessageFlag", "MessageType", "Variant", "decode", "encode"]

SIGNATURES = 64
"""Of types that the codec remembers; far fewer are in use. By itself it would remember all that it is ever sent."""


class _Whole(Unmarshaller):
    """Decodes a message that is all there: dbus_next's own asks a stream, anew for each number of it."""

    def __init__(self, head: bytes, body: bytes) -> None:
        super().__init__(None)
        self.buf = bytearray(head + body)
        self._answer, self._body = head[1] == MessageType.METHOD_RETURN.value, len(head)

    def read(self, n: int, prefetch: bool = False) -> int:
        start: int = self.offset
        if start + n > len(self.buf):
            raise EOFError
        self.offset = start if prefetch else start + n
        return start

    def read_variant(self, type_: Any = None) -> Any:
        """In an answer to us the value alone; in a call of somebody's its type matters."""
        if not self._answer or self.offset < self._body:
            return super().read_variant(type_)
        return self.read_argument(SignatureTree._get(self.read_signature()).types[0])


def decode(head: bytes, body: bytes) -> Message | None:
    """One whole message, its header padded, or None for one that the codec does not understand."""
    if len(SignatureTree._cache) > SIGNATURES:
        SignatureTree._cache.clear()
    try:
        message: Message | None = _Whole(head, body).unmarshall()
    except Exception as error:  # noqa: BLE001 - the codec raises many kinds on hostile bytes; all mean: not a message
        tell(f"dropped a message that does not decode ({type(error).__name__})")
        return None
    return message


def encode(message: Message) -> bytes:
    """The bytes of a message. Raises what the codec raises where the body does not fit the signature."""
    return bytes(message._marshall())
