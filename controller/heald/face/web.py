"""HTTP for a handful of pages that are only read, in the daemon's own loop: bounded in size, time and connections.

One request a connection. Nothing of a request comes back in an answer; who asks by another Host is told nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

HEAD = 8192             # bytes of a request's head at most
ASKING = 5.0            # seconds from a connection to the end of the request's head
SECONDS = 10.0          # from a connection to the end of its answer
AT_ONCE = 16            # connections; one more ends the oldest

PLAIN = "text/plain; charset=utf-8"
_ALWAYS = ("Connection: close", "Cache-Control: no-store", "X-Content-Type-Options: nosniff",
           "Referrer-Policy: no-referrer")


class Answer(NamedTuple):
    """`kind` is the Content-Type; `more` are whole lines for the head."""

    body: bytes
    kind: str = PLAIN
    status: HTTPStatus = HTTPStatus.OK
    more: tuple[str, ...] = ()


Page = Callable[[], Awaitable[Answer]]


class Web:
    """Serves `pages` by their paths to those who ask by a Host that `knows` says yes to."""

    def __init__(self, pages: Mapping[str, Page], knows: Callable[[str], bool]) -> None:
        self._pages, self._knows = pages, knows
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}      # the oldest first

    async def start(self, address: str, port: int) -> int:
        """Listens; the port, which the kernel chooses for 0. OSError where that cannot be.

        asyncio takes as many connections in one turn as may wait: few, so that a flood leaves time for the rest.
        """
        self._server = await asyncio.start_server(self._connected, address, port, limit=HEAD, backlog=AT_ONCE)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listens no more, and leaves nobody waiting."""
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= AT_ONCE:
            oldest = next(iter(self._tasks))
            self._tasks.pop(oldest).transport.abort()       # now: many may come before it has its turn to end
            oldest.cancel()
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.result()       # an error in there is a bug of ours, and the loop tells it

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                with suppress(ConnectionError):
                    await self._talk(reader, writer)
        except TimeoutError:
            pass
        finally:
            writer.transport.abort()        # nothing after it has gone out

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        only_head = False
        try:
            async with asyncio.timeout(ASKING):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return
        except TimeoutError:
            answer = _no(HTTPStatus.REQUEST_TIMEOUT, f"a request's head takes {ASKING:g} s at most")
        except asyncio.LimitOverrunError:
            answer = _no(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"a request's head has {HEAD} bytes at most")
        else:
            only_head = head.startswith("HEAD ")
            answer = await self._answer(head)
        writer.write(_head(answer) + (b"" if only_head else answer.body))
        writer.close()
        await writer.wait_closed()

    async def _answer(self, head: str) -> Answer:
        line, *fields = head.removesuffix("\r\n\r\n").split("\r\n")
        match line.split(" "):
            case [method, target, ("HTTP/1.1" | "HTTP/1.0")]:
                path = target.partition("?")[0]
            case [_, _, version] if version.startswith("HTTP/"):
                return _no(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "speak HTTP/1.1")
            case _:
                return _no(HTTPStatus.BAD_REQUEST, "this is no HTTP request")
        named = [field.partition(":") for field in fields]
        hosts = [value.strip(" \t") for name, _, value in named if name.lower() == "host"]
        if len(hosts) != 1 or not all(colon and name.strip() == name for name, colon, _ in named):
            return _no(HTTPStatus.BAD_REQUEST, "a request has one Host, and each line of its head a name and a colon")
        if not self._knows(hosts[0]):
            return _no(HTTPStatus.MISDIRECTED_REQUEST,
                       "this Host is not heald's: add it to hosts below [metrics] in heald.toml, then reload heald")
        if path not in self._pages:
            return _no(HTTPStatus.NOT_FOUND, f"nothing here; there is {', '.join(self._pages)}")
        if method not in {"GET", "HEAD"}:
            return _no(HTTPStatus.METHOD_NOT_ALLOWED, "this can only be read", "Allow: GET, HEAD")
        return await self._pages[path]()


def _no(status: HTTPStatus, why: str, *more: str) -> Answer:
    return Answer(f"{why}\n".encode(), status=status, more=more)


def _head(answer: Answer) -> bytes:
    lines = (f"HTTP/1.1 {answer.status.value} {answer.status.phrase}", f"Date: {formatdate(usegmt=True)}",
             f"Content-Type: {answer.kind}", f"Content-Length: {len(answer.body)}", *_ALWAYS, *answer.more)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()
