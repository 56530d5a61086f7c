"""HTTP as it is spoken to a real socket: what is answered, to whom, and what is bounded."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

import pytest

from heald.face import web
from heald.face.web import Answer, Web
from heald.listen import Listen

KNOWN = "GET /page HTTP/1.1\r\nHost: localhost:9753\r\n\r\n"
Talk = Callable[[int], Awaitable[None]]


async def page() -> Answer:
    return Answer(b"<p>it is well</p>", "text/html", more=("X-More: yes",))


def with_server(talk: Talk, listen: Listen | None = None) -> None:
    """A server on a port of the kernel's choice, for as long as it is talked to."""
    async def story() -> None:
        server = Web({"/page": page}, (listen or Listen()).knows)
        port = await server.start("127.0.0.1", 0)
        try:
            async with asyncio.timeout(60):
                await talk(port)
        finally:
            await server.stop()
    asyncio.run(story())


async def ask(port: int, request: bytes) -> bytes:
    """All that comes back until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


def answered(request: str, listen: Listen | None = None) -> tuple[int, dict[str, str], str]:
    """Status, fields and body of the answer to one request."""
    found: list[bytes] = []

    async def talk(port: int) -> None:
        found.append(await ask(port, request.encode("latin-1")))
    with_server(talk, listen)
    head, _, body = found[0].decode().partition("\r\n\r\n")
    line, *fields = head.split("\r\n")
    return int(line.split(" ")[1]), dict(field.split(": ", 1) for field in fields), body


def test_a_page_is_read() -> None:
    status, fields, body = answered(KNOWN)
    assert (status, body) == (200, "<p>it is well</p>")
    assert (fields["Content-Type"], fields["Content-Length"]) == ("text/html", "17")
    assert (fields["X-More"], fields["Connection"], fields["Cache-Control"]) == ("yes", "close", "no-store")
    assert fields["X-Content-Type-Options"] == "nosniff"
    assert parsedate_to_datetime(fields["Date"]).tzinfo is UTC


def test_its_head_is_read_alone() -> None:
    status, fields, body = answered(KNOWN.replace("GET", "HEAD"))
    assert (status, fields["Content-Length"], body) == (200, "17", "")


@pytest.mark.parametrize(("request_", "status"), [
    (KNOWN.replace("/page", "/page?a=1&a=2"), 200), (KNOWN.replace("1.1", "1.0"), 200),
    (KNOWN.replace("/page", "/"), 404), (KNOWN.replace("/page", "/../page"), 404), (KNOWN.replace("/page", "*"), 404),
    (KNOWN.replace("GET", "POST"), 405), (KNOWN.replace("GET", "BREW"), 405), (KNOWN.replace("1.1", "2.0"), 505),
    (KNOWN.replace("Host: localhost:9753\r\n", ""), 400), (KNOWN.replace("Host:", "Host :"), 400),
    (KNOWN.replace("\r\n\r\n", "\r\nHost: localhost\r\n\r\n"), 400),
    (KNOWN.replace("\r\n\r\n", "\r\nnonsense\r\n\r\n"), 400),
    ("GET /page\r\n\r\n", 400), ("\r\n\r\n", 400), ("\x16\x03\x01 \xff \r\n\r\n", 400),
    ("GET  /page HTTP/1.1\r\n\r\n", 400),
    (KNOWN.replace("localhost:9753", "evil.example.org"), 421), (KNOWN.replace("localhost:9753", ""), 421),
    (KNOWN.replace("localhost:9753", "a@localhost"), 421), (KNOWN.replace("localhost:9753", "localhost.evil.org"), 421),
    (KNOWN.replace("\r\n\r\n", f"\r\nX: {'x' * web.HEAD}\r\n\r\n"), 431), ("x" * 3 * web.HEAD, 431),
])
def test_statuses(request_: str, status: int) -> None:
    found, fields, body = answered(request_)
    assert found == status
    assert fields["Connection"] == "close"
    if status != 200:
        assert fields["Content-Type"] == web.PLAIN
        assert body.count("\n") == 1
        assert "evil" not in body
    if status == 405:
        assert fields["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("host", [
    "localhost", "LOCALHOST:1", "localhost.", "127.0.0.1:9753", "127.9.9.9", "[::1]:9753", "[::1]",
    "web1.example.org:8080", "WEB1.example.org", "192.0.2.7", "[2001:db8::7]:9753",
])
def test_hosts_that_are_known(host: str) -> None:
    assert Listen(address="192.0.2.7", hosts=("web1.example.org", "2001:db8::7")).knows(host)


@pytest.mark.parametrize("host", [
    "", "192.0.2.7", "localhost:", "localhost:123456", "localhost:9753:9753", "localhost\n", "::1", "[::1", "x",
    "web1.example.org.evil.org", "127.0.0.1.evil.org", "[2001:db8::7]", "2130706433", "0",
])
def test_hosts_that_are_not(host: str) -> None:
    assert not Listen(hosts=("web1.example.org",)).knows(host)


def test_who_says_nothing_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ASKING", 0.05)

    async def talk(port: int) -> None:
        assert b"HTTP/1.1 408 Request Timeout\r\n" in await ask(port, b"")
        assert b"HTTP/1.1 408 Request Timeout\r\n" in await ask(port, b"GET /page HTTP/1.1\r\n")
    with_server(talk)


def test_who_does_not_read_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SECONDS", 0.1)

    asked = asyncio.Event()

    async def large() -> Answer:
        asked.set()
        return Answer(b"x" * (64 << 20))

    async def story() -> None:
        server = Web({"/page": large}, Listen().knows)
        port = await server.start("127.0.0.1", 0)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.send(KNOWN.encode())
            async with asyncio.timeout(60):
                await asked.wait()
                await asyncio.wait(server._tasks)
        await server.stop()
    asyncio.run(story())


def test_the_oldest_makes_room() -> None:
    async def talk(port: int) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(web.AT_ONCE + 3)]
        assert b" 200 OK" in await ask(port, KNOWN.encode())
        assert await silent[0][0].read() == b""
        for _, writer in silent:
            writer.transport.abort()
    with_server(talk)


async def most_of_some_turns(server: Web) -> int:
    """How many are served at once at most, while the loop goes round."""
    most = 0
    for _ in range(100):
        await asyncio.sleep(0)
        most = max(most, len(server._tasks))
    return most


def test_so_many_that_come_in_one_turn_make_room_for_each_other_at_once() -> None:
    async def story() -> None:
        server = Web({"/page": page}, Listen().knows)
        port = await server.start("127.0.0.1", 0)
        oldest = [socket.create_connection(("127.0.0.1", port)) for _ in range(web.AT_ONCE)]
        async with asyncio.timeout(60):
            assert await most_of_some_turns(server) == web.AT_ONCE
            newest = [socket.create_connection(("127.0.0.1", port)) for _ in range(web.AT_ONCE)]
            assert await most_of_some_turns(server) == web.AT_ONCE
            for client in oldest:
                reader, writer = await asyncio.open_connection(sock=client)
                assert await reader.read() == b""
                writer.transport.abort()
            for client in newest:
                reader, writer = await asyncio.open_connection(sock=client)
                writer.write(KNOWN.encode())
                assert b" 200 OK" in await reader.read()
                writer.transport.abort()
            await server.stop()
    asyncio.run(story())


def test_who_waits_when_it_ends_is_left() -> None:
    async def story() -> None:
        server = Web({"/page": page}, Listen().knows)
        reader, writer = await asyncio.open_connection("127.0.0.1", await server.start("127.0.0.1", 0))
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await server.stop()
            assert await reader.read() == b""
        writer.transport.abort()
    asyncio.run(story())
