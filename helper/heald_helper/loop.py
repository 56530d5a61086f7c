"""What the helper waits with: tasks, timers, sockets and signals.

asyncio does this and much more; to load it took as long as the rest of the helper's start, and it brings threads,
programs to start and TLS into root's process. There is one loop in a process: its state is this module's. What
cancel() ends is who waits, never what is waited for.
"""

import math
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_ready: deque[Callable[[], object]] = deque()
_timers: "set[Timer]" = set()
_watched: dict[int, Callable[[int], object]] = {}       # file descriptor -> what is told of its events
_poll = select.poll()


class CancelledError(BaseException):
    """Raised in a task where it waits. No `except Exception` may hold it up."""


class Future(Generic[T]):
    """A result that comes later; `await` it."""

    def __init__(self) -> None:
        self._done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], object]] = []

    def done(self) -> bool:
        return self._done

    def result(self) -> T:
        """What it came to; raises what it was ended with."""
        if self._error is not None:
            raise self._error
        return self._result     # type: ignore[no-any-return]

    def end(self, result: Any = None, error: BaseException | None = None) -> None:
        """Give it its result, or an error to raise; the first that is given counts."""
        if not self._done:
            self._done, self._result, self._error = True, result, error
            _ready.extend(self._callbacks)
            self._callbacks.clear()

    def tell(self, callback: Callable[[], object]) -> None:
        """Have `callback` called when it is done, in a later turn."""
        if self._done:
            _ready.append(callback)
        else:
            self._callbacks.append(callback)

    def forget(self, callback: Callable[[], object]) -> None:
        """Undo tell()."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def __await__(self) -> "Generator[Future[T], None, T]":
        if not self._done:
            yield self
        return self.result()


class Task(Future[T]):
    """A coroutine that runs whenever what it waits for is there; done with its result, or with what it raised."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        super().__init__()
        self._coroutine = coroutine
        self._waits: Future[Any] | None = None      # None while its next step is due
        self._begun = self._cancelled = False
        _ready.append(self._step)

    def cancel(self) -> None:
        """Raise CancelledError where it waits; one that has not begun comes as far as its first wait."""
        self._cancelled = True
        self._wake(self._waits)

    def _wake(self, waited: Future[Any] | None) -> None:
        """What it waited for is there: told late, perhaps, when it was cancelled and waits for something else."""
        if waited is not None and waited is self._waits:
            self._waits = None
            _ready.append(self._step)

    def _step(self) -> None:
        throw, self._begun = self._begun and self._cancelled, True
        if throw:
            self._cancelled = False
        try:
            waits = self._coroutine.throw(CancelledError()) if throw else self._coroutine.send(None)
        except StopIteration as ended:
            self.end(ended.value)
        except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it
            self.end(error=error)
        else:
            if self._cancelled:
                _ready.append(self._step)
            else:
                self._waits = waits
                waits.tell(partial(self._wake, waits))


class Timer:
    """Calls `callback` once, `seconds` from now (CLOCK_MONOTONIC), unless it is cancelled."""

    def __init__(self, seconds: float, callback: Callable[[], object]) -> None:
        self.at, self._callback, self._over = time.monotonic() + seconds, callback, False
        _timers.add(self)

    def cancel(self) -> None:
        """Also where its time has come, and it has not had its turn yet."""
        _timers.discard(self)
        self._over = True

    def ring(self) -> None:
        """Its time has come."""
        if not self._over:
            self._callback()


async def wait(*futures: Future[Any], seconds: float | None = None, first: bool = False) -> bool:
    """Until all of these are done, or the first of them; False after so many seconds. Raises nothing of theirs."""

    def enough() -> bool:
        return (any if first else all)(future.done() for future in futures)

    def look() -> None:
        if enough():
            woken.end()

    woken: Future[None] = Future()
    timer = None if seconds is None else Timer(seconds, woken.end)
    for future in futures:
        future.tell(look)
    try:
        if enough():
            await turn()        # who waits for what ended just now lets it be told
        else:
            await woken
    finally:
        for future in futures:
            future.forget(look)
        if timer is not None:
            timer.cancel()
    return enough()


async def together(*coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
    """What they come to, in their order; they are begun in it, and none waits for another. Raises what one raised."""
    tasks = [Task(coroutine) for coroutine in coroutines]
    return [await task for task in tasks]


def soon(callback: Callable[[], object]) -> None:
    """Have `callback` called when what is due already has had its turn."""
    _ready.append(callback)


def tell(line: str) -> None:
    """To our journal, whose end may be gone."""
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")


async def turn() -> None:
    """Let everything else have its turn."""
    other: Future[None] = Future()
    soon(other.end)
    await other


def watch(descriptor: int, events: int, callback: Callable[[int], object]) -> None:
    """Have `callback` called with the events of poll(2) that come, these or that the other end is gone, from now on."""
    _poll.register(descriptor, events)
    _watched[descriptor] = callback


def unwatch(descriptor: int) -> None:
    """Undo watch(), where that was not done already."""
    if _watched.pop(descriptor, None) is not None:
        _poll.unregister(descriptor)


def on_signal(number: int, callback: Callable[[], object]) -> None:
    """Have `callback` called in a turn of the loop when the signal comes."""
    pair = socket.socketpair()
    for end in pair:
        end.setblocking(False)
    ours, theirs = (end.detach() for end in pair)
    signal.set_wakeup_fd(theirs)        # a poll that was begun would go on after the signal
    watch(ours, select.POLLIN, lambda _events: os.read(ours, 64))
    signal.signal(number, lambda *_: soon(callback))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Until it is done: its result, or what it raised. What else was begun ends where it is."""
    task = Task(coroutine)
    while not task.done():
        for _ in range(len(_ready)):
            _call(_ready.popleft())
        _look(0.0 if _ready or task.done() else None)
    return task.result()


def _call(callback: Callable[[], object]) -> None:
    """A bug in one is told, and holds up nothing else."""
    try:
        callback()
    except Exception:  # noqa: BLE001 - see above
        with suppress(OSError):
            sys.excepthook(*sys.exc_info())


def _look(seconds: float | None) -> None:
    """Wait for an event or a timer, at most so long, and have those called that it is for."""
    if seconds is None:
        seconds = max(0.0, min((timer.at for timer in _timers), default=math.inf) - time.monotonic())
    for descriptor, events in _poll.poll(None if seconds == math.inf else seconds * 1000):
        _call(partial(_watched[descriptor], events))
    now = time.monotonic()
    for timer in [timer for timer in _timers if timer.at <= now]:
        _timers.discard(timer)
        _ready.append(timer.ring)
