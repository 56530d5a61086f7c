"""The helper's loop: tasks, timers, signals, and the bytes of a socket."""

import os
import signal
import socket
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from heald_helper.loop import (
    CancelledError,
    Future,
    Task,
    Timer,
    on_signal,
    run,
    soon,
    together,
    turn,
    wait,
)
from heald_helper.stream import CHUNK, Stream

LONG = 3600.0


async def after(future: Future[str], told: list[str], name: str) -> str:
    """Says when it is begun, what came, and where it was cancelled."""
    told.append(f"{name} begins")
    try:
        return await future
    except CancelledError:
        told.append(f"{name} is cancelled")
        raise


def test_a_task_s_result_is_what_its_coroutine_returns_or_raises() -> None:
    async def fails() -> None:
        await turn()
        raise ValueError("no")

    async def main() -> str:
        failed = Task(fails())
        with pytest.raises(ValueError, match="no"):
            await failed
        return "yes"

    assert run(main()) == "yes"


def test_it_ends_with_what_it_was_run_for_whatever_timers_are_left() -> None:
    async def main() -> None:
        Timer(LONG, lambda: None)
        Task(turn())

    began = time.monotonic()
    run(main())
    assert time.monotonic() - began < LONG / 2


def test_the_first_that_ends_a_future_counts() -> None:
    async def main() -> str:
        future = Future[str]()
        future.end("first")
        future.end(error=ValueError("second"))
        return await future

    assert run(main()) == "first"


def test_coroutines_are_begun_in_their_order_and_none_waits_for_another() -> None:
    told: list[str] = []

    async def main() -> list[Any]:
        futures = [Future[str]() for _ in "abc"]
        for future, value in zip(reversed(futures), "cba", strict=True):
            soon(lambda future=future, value=value: future.end(value))  # type: ignore[misc]
        return await together(*(after(future, told, name) for future, name in zip(futures, "abc", strict=True)))

    assert run(main()) == ["a", "b", "c"]
    assert told == ["a begins", "b begins", "c begins"]


def test_who_waits_is_cancelled_and_what_it_waits_for_is_not() -> None:
    told: list[str] = []

    async def main() -> str:
        wanted = Future[str]()
        inner = Task(after(wanted, told, "inner"))
        outer = Task(after(inner, told, "outer"))
        await turn()
        await turn()
        outer.cancel()
        await wait(outer)
        with pytest.raises(CancelledError):
            outer.result()
        wanted.end("came")
        return await inner

    assert run(main()) == "came"
    assert told == ["inner begins", "outer begins", "outer is cancelled"]


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_task_that_is_cancelled_has_begun_whenever_that_happens(turns: int) -> None:
    """A call is answered exactly once, also where its caller is gone before it had its turn."""
    told: list[str] = []

    async def main() -> None:
        task = Task(after(Future[str](), told, "task"))
        for _ in range(turns):
            await turn()
        task.cancel()
        await wait(task)

    run(main())
    assert told == ["task begins", "task is cancelled"]


def test_a_task_that_goes_on_after_it_was_cancelled_is_not_cancelled_again() -> None:
    async def stubborn() -> str:
        with suppress(CancelledError):
            await Future[str]()
        await turn()
        return "done"

    async def main() -> str:
        task = Task(stubborn())
        await turn()
        task.cancel()
        return await task

    assert run(main()) == "done"


def test_what_came_as_it_was_cancelled_is_not_taken_for_what_it_waits_for_next() -> None:
    first, second, told = Future[str](), Future[str](), list[str]()

    async def waits_for_two() -> str:
        try:
            told.append(await first)
        except CancelledError:
            told.append("cancelled")
        return await second

    async def main() -> str:
        task = Task(waits_for_two())
        await turn()
        first.end("came")
        task.cancel()
        for _ in range(5):
            await turn()
        second.end("second")
        return await task

    assert run(main()) == "second"
    assert told == ["cancelled"]


def test_a_task_that_is_done_is_not_cancelled() -> None:
    async def main() -> None:
        task = Task(turn())
        await task
        task.cancel()
        assert task.result() is None

    run(main())


@pytest.mark.parametrize(("ends", "first", "enough"), [((), False, False), (("a",), False, False), (("a",), True, True),
                                                       (("a", "b"), False, True)])
def test_all_or_the_first_are_waited_for_so_long(ends: tuple[str, ...], first: bool, enough: bool) -> None:
    async def main() -> bool:
        futures = {name: Future[None]() for name in "ab"}
        for name in ends:
            Timer(0.001, futures[name].end)
        found = await wait(*futures.values(), seconds=0.05, first=first)
        assert all(not future._callbacks for future in futures.values())
        return found

    assert run(main()) is enough


def test_timers_come_in_their_order_and_one_that_is_cancelled_does_not() -> None:
    told: list[str] = []

    async def main() -> None:
        last = Future[None]()
        Timer(0.02, last.end)
        Timer(0.01, lambda: told.append("second"))
        Timer(0.0, lambda: told.append("first"))
        Timer(0.005, lambda: told.append("never")).cancel()
        await last

    run(main())
    assert told == ["first", "second"]


def test_a_signal_is_heard_while_nothing_else_happens() -> None:
    before, descriptors = signal.getsignal(signal.SIGUSR1), set(os.listdir("/proc/self/fd"))

    async def main() -> None:
        came = Future[None]()
        on_signal(signal.SIGUSR1, came.end)
        Timer(0.01, lambda: os.kill(os.getpid(), signal.SIGUSR1))
        await came

    try:
        run(main())
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGUSR1, before)
    assert len(set(os.listdir("/proc/self/fd")) - descriptors) == 2


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        server.settimeout(10)
        yield server


def with_both(listening: socket.socket, do: "Any") -> Any:
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
