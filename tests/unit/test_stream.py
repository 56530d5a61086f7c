"""What the helper reads from a socket and sends to it, and what its codec remembers."""

import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from dbus_next.signature import SignatureTree

from heald_helper import codec
from heald_helper.loop import Future, Timer, run, together, turn, wait
from heald_helper.stream import CHUNK, Stream


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        server.settimeout(10)
        yield server


def with_both(listening: socket.socket, do: Callable[[Stream, socket.socket], Coroutine[Any, Any, Any]]) -> Any:
    """What `do` comes to, given the stream and the other end of it."""
    async def main() -> Any:
        stream = Stream(f"unix:path={listening.getsockname()},guid=00")
        other, _ = listening.accept()
        with other:
            return await do(stream, other)

    return run(main())


def test_bytes_are_read_as_many_as_are_wanted_however_they_come(listening: socket.socket) -> None:
    async def do(stream: Stream, other: socket.socket) -> list[bytes]:
        other.sendall(b"one")
        Timer(0.01, lambda: other.sendall(b"two" * CHUNK))
        read = [await stream.read(2), await stream.read(2), await stream.read(3 * CHUNK - 1)]
        await stream.close()
        return read

    assert with_both(listening, do) == [b"on", b"et", (b"two" * CHUNK)[1:]]


def test_the_end_of_the_other_side_is_an_error_for_its_reader_only(listening: socket.socket) -> None:
    async def do(stream: Stream, other: socket.socket) -> None:
        other.sendall(b"abc")
        other.close()
        stream.write(b"nobody hears this")
        assert await stream.read(3) == b"abc"
        with pytest.raises(ConnectionError):
            await stream.read(1)
        await stream.close()

    with_both(listening, do)


def test_a_full_socket_is_waited_for_and_nothing_is_lost(listening: socket.socket) -> None:
    sent = b"0123456789" * CHUNK

    async def drained(other: socket.socket, into: bytearray) -> None:
        other.setblocking(False)
        while len(into) < len(sent):
            with suppress(BlockingIOError):
                into += other.recv(CHUNK)
            await turn()

    async def do(stream: Stream, other: socket.socket) -> bytearray:
        received = bytearray()
        stream.write(sent[:100])
        stream.write(sent[100:])
        draining: Coroutine[Any, Any, None] = drained(other, received)
        await together(stream.close(), draining)
        return received

    assert with_both(listening, do) == sent


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ConnectionError, match="tcp:host=localhost is not of the kind unix:path="):
        Stream("tcp:host=localhost")


def test_the_end_of_the_other_side_costs_nothing_while_nobody_reads(listening: socket.socket) -> None:
    looks = 0

    async def do(stream: Stream, other: socket.socket) -> None:
        told = stream._event

        def counted(events: int) -> None:
            nonlocal looks
            looks += 1
            told(events)

        stream._event = counted     # type: ignore[method-assign]
        stream._watch()
        other.close()
        await wait(Future[None](), seconds=0.05)
        with pytest.raises(ConnectionError):
            await stream.read(1)
        await stream.close()

    with_both(listening, do)
    assert looks == 1


def test_codecs_do_not_remember_all_that_they_are_sent() -> None:
    for number in range(3 * codec.SIGNATURES):
        kind = f"({'y' * (number % 100 + 1)}{'s' * (number // 100 + 1)})"
        message = codec.Message(path="/", interface="a.b", member="C", signature=kind, serial=1, body=[
            [1] * (number % 100 + 1) + [""] * (number // 100 + 1)])
        read = codec.decode(codec.encode(message), b"")
        assert read is not None
        assert read.signature == kind
    assert len(SignatureTree._cache) <= codec.SIGNATURES + 2
