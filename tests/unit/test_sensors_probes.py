"""Probes against real sockets: who answers, who does not, and who cannot be asked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from heald.bus.systemd import Manager
from heald.probes import Probe, address
from heald.readings import Answer, Unit
from heald.sensors.probes import Prober


class Units:
    """Stands for systemd's manager; only what a prober asks of it."""

    def __init__(self) -> None:
        self.units: dict[str, Unit | None] = {"a.service": Unit("a.service", invocation="1")}

    async def unit(self, name: str) -> Unit | None:
        return self.units[name]


async def read(prober: Prober, units: Units) -> tuple[Answer, ...]:
    return await prober.read(cast("Manager", units))


def asked(probe: Probe, said: list[str] | None = None) -> Answer:
    """One look at one probe."""
    async def look() -> tuple[Answer, ...]:
        return await read(Prober([probe], lambda: None, (said or []).append), Units())
    [answer] = asyncio.run(look())
    return answer


def served(reply: bytes, way: str = "http") -> Answer:
    """What a probe makes of a server that answers this; b"" never answers."""
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(reply)

    writers: list[asyncio.StreamWriter] = []

    async def story() -> tuple[Answer, ...]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        where = f"http://localhost:{port}/health?x=1" if way == "http" else f"127.0.0.1:{port}"
        probe = Probe("a.service", way, where, every=0, timeout=0.2)
        found = await read(Prober([probe], lambda: None, print), Units())
        for writer in writers:
            writer.transport.abort()
        server.close()
        await server.wait_closed()
        return found
    [found] = asyncio.run(story())
    return found


@pytest.mark.parametrize(("reply", "why"), [
    (b"HTTP/1.1 200 OK\r\n\r\n", ""), (b"HTTP/1.0 399 Fine\r\n\r\n", ""),
    (b"HTTP/1.1 500 No\r\n\r\n", "it answers with status 500"),
    (b"HTTP/1.1 199 No\r\n\r\n", "it answers with status 199"),
    (b"220 mail\r\n", "its answer is no HTTP"), (b"x" * 100_000, "its answer is no HTTP"),
    (b"HTTP/1.1 2\r\n", "its answer is no HTTP"), (b"", "no answer in 0.2 s"),
])
def test_http(reply: bytes, why: str) -> None:
    found = served(reply)
    assert (found.why, found.failures) == (why, 3 if why else 0)


def test_tcp_needs_no_word() -> None:
    assert served(b"", "tcp").failures == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = asked(Probe("a.service", "tcp", f"127.0.0.1:{port}", every=0))
    assert (found.failures, "refused" in found.why) == (3, True)


def test_a_unix_socket_that_nobody_accepts_from_is_not_well(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    probe = Probe("a.service", "unix", str(path), every=0)
    assert asked(probe).why == "No such file or directory"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(0)
        assert asked(probe).failures == 0           # which leaves it waiting in the queue of one
        found = asked(probe)
        assert (found.failures, found.why) == (3, "its queue is full")


def test_what_we_may_not_ask_is_told_once_and_says_nothing_of_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")
    monkeypatch.setattr(asyncio, "open_connection", forbidden)
    said: list[str] = []
    probe = Probe("a.service", "tcp", "192.0.2.1:80", every=0)

    async def story() -> None:
        prober = Prober([probe], lambda: None, said.append)
        assert [(await read(prober, Units()))[0].failures for _ in range(3)] == [None] * 3
    asyncio.run(story())
    assert said == ["192.0.2.1:80 of a.service cannot be asked: [Errno 1] Operation not permitted"]


def by_timer(story: Callable[[Prober, list[str], Callable[[str], None]], Awaitable[None]]) -> None:
    """A prober whose one probe is asked all the time and told what it hears, and the verdicts it woke for."""
    async def run(patch: pytest.MonkeyPatch) -> None:
        answer, woken = [""], asyncio.Queue[str]()

        async def ask(_: Probe) -> str:
            return answer[0]
        patch.setattr("heald.sensors.probes._ASK", {"tcp": ask})
        prober = Prober((), lambda: woken.put_nowait(""), print)
        prober.use([Probe("a.service", "tcp", "127.0.0.1:1", every=0.001)])

        async def hears(why: str) -> None:
            answer[0] = why
            await woken.get()
        try:
            async with asyncio.timeout(30):
                await story(prober, answer, cast("Any", hears))
        finally:
            prober.stop()
    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(run(patch))


def test_the_third_failure_in_a_row_and_the_first_success_wake() -> None:
    async def story(prober: Prober, _: list[str], hears: Any) -> None:
        units = Units()
        await hears("")                                         # from not known to well
        assert [a.failures for a in await read(prober, units)] == [0]
        await hears("silent")
        [answer] = await read(prober, units)
        assert answer.failures is not None
        assert answer.failures >= 3
        await hears("")
        assert [a.failures for a in await read(prober, units)] == [0]
    by_timer(story)


def test_what_failed_before_a_restart_says_nothing_after_it() -> None:
    async def story(prober: Prober, _: list[str], hears: Any) -> None:
        units = Units()
        await hears("")
        await read(prober, units)
        await hears("silent")
        units.units["a.service"] = Unit("a.service", invocation="2")
        assert [a.failures for a in await read(prober, units)] == [None]
        await hears("silent")                                   # three more
        units.units["a.service"] = None
        assert await read(prober, units) == ()
    by_timer(story)


def test_one_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        begun = asyncio.Event()

        async def hang(_: Probe) -> str:
            begun.set()
            return str(await asyncio.Event().wait())
        monkeypatch.setattr("heald.sensors.probes._ASK", {"tcp": hang})
        prober = Prober((), lambda: None, print)
        prober.use([Probe("a.service", "tcp", "127.0.0.1:1", timeout=3600)])
        await begun.wait()
        async with asyncio.timeout(30):
            assert [a.failures for a in await read(prober, Units())] == [None]
        prober.stop()
    asyncio.run(story())


@pytest.mark.parametrize(("way", "given"), [
    ("http", "https://127.0.0.1/"), ("http", "http://example.org/"), ("http", "http://127.0.0.1/a b"), ("http", 80),
    ("http", "http://a@127.0.0.1/"), ("http", "http://127.0.0.1:99999/"), ("http", "http://127.0.0.1/\r\nX: y"),
    ("http", "http://127.0.0.1:0/"), ("tcp", "127.0.0.1"), ("tcp", "127.0.0.1:x"), ("tcp", "127.0.0.1:80/x"),
    ("tcp", "http://127.0.0.1:80"), ("tcp", ":80"), ("unix", "run/x.sock"), ("unix", "/" + "x" * 107), ("unix", True),
])
def test_what_is_no_address(way: str, given: object) -> None:
    with pytest.raises(ValueError, match="must be such as"):
        address(way, given)


def test_where_a_probe_goes() -> None:
    assert Probe("", "http", "http://localhost").endpoint == ("127.0.0.1", 80)
    assert Probe("", "tcp", address("tcp", "[::1]:6379")).endpoint == ("::1", 6379)
