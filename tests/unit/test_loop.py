"""The helper's loop: tasks, timers, signals."""

import os
import signal
import time
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from heald_helper.loop import CancelledError, Future, Task, Timer, on_signal, run, soon, together, turn, wait

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


def test_who_waits_in_a_loop_for_what_has_ended_lets_it_be_told() -> None:
    told: list[str] = []

    async def main() -> None:
        task = Task(turn())
        task.tell(lambda: told.append("told"))
        while not task.done():
            await turn()
        while not told:
            await wait(task)

    run(main())
    assert told == ["told"]


def test_a_timer_that_is_cancelled_when_its_time_has_come_does_not_ring() -> None:
    told: list[str] = []

    async def main() -> None:
        def rings(other: int) -> None:          # whoever rings first silences the other
            told.append("rings")
            timers[other].cancel()

        timers = [Timer(0.001, partial(rings, other)) for other in (1, 0)]
        time.sleep(0.01)  # noqa: ASYNC251  the time of both has come when the loop looks
        await wait(Future[None](), seconds=0.01)

    run(main())
    assert told == ["rings"]


def test_a_callback_s_bug_is_told_and_holds_up_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    def bug() -> None:
        raise ValueError("a bug")

    async def main() -> str:
        soon(bug)
        Timer(0.0, bug)
        await wait(Future[None](), seconds=0.01)
        return "goes on"

    assert run(main()) == "goes on"
    assert capsys.readouterr().err.count("ValueError: a bug") == 2
