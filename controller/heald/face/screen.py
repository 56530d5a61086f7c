"""A terminal that is ours for a while: its whole screen, its keys, its signals. Given back however we end."""

import asyncio
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from heald.face.drawing import ASCII, UNICODE
from heald.face.keyboard import Keyboard

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Screen:
    """As a context it is ours. `woken` is set when a key was typed, the size changed, or `code` says how to end."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.code: int | None = None            # what to end with: 128 and the number of a signal
        self.typed: deque[str] = deque()
        self.glyphs = UNICODE if speaks_unicode(started_with()) else ASCII
        self._console = Console(highlight=False, markup=False)
        self._ours = ExitStack()
        self._live: Live

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        return self._console.size

    def __enter__(self) -> "Screen":
        self._live = self._ours.enter_context(Live(console=self._console, screen=True, auto_refresh=False))
        self._ours.enter_context(self._listening())
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()

    def show(self, lines: list[Text]) -> None:
        """No line may be longer than the screen is wide."""
        self._live.update(Group(*lines), refresh=True)

    @contextmanager
    def aside(self) -> Iterator[Callable[[str], None]]:
        """The plain terminal for a while: polkit's agent may ask for a password there. Gives who prints a line."""
        self._ours.close()
        yield partial(print, flush=True)
        self.__enter__()

    async def any_key(self, words: str) -> None:
        """Asks for one while the screen is plain; what was typed before does not count."""
        with self._listening():
            self.typed.clear()
            print(words, flush=True)
            while not self.typed and self.code is None:
                self.woken.clear()
                await self.woken.wait()
        self.typed.clear()

    def end(self, code: int) -> None:
        """Says how to end."""
        self.code = code
        self.woken.set()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Keys and signals come in. Ctrl-Z is none: the shell would be left with our screen."""
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGTSTP, signal.SIGWINCH)}
        with Keyboard() as keyboard:
            for number in ENDING:
                loop.add_signal_handler(number, partial(self.end, 128 + number))
            loop.add_signal_handler(signal.SIGWINCH, self.woken.set)
            signal.signal(signal.SIGTSTP, signal.SIG_IGN)
            loop.add_reader(keyboard.fileno, self._read, keyboard)
            try:
                yield
            finally:
                loop.remove_reader(keyboard.fileno)
                for number, handler in before.items():
                    loop.remove_signal_handler(number)
                    signal.signal(number, handler)

    def _read(self, keyboard: Keyboard) -> None:
        typed = keyboard.read()
        if typed is None:
            self.end(128 + signal.SIGHUP)
        self.typed.extend(typed or ())
        self.woken.set()


def at_terminal() -> bool:
    """Whether somebody sits at a terminal that has a whole screen."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not Console().is_dumb_terminal


def speaks_unicode(environment: Mapping[str, str]) -> bool:
    """Whether a terminal shows more than ASCII, by the first of locale(7)'s variables that is set."""
    chosen = next(filter(None, map(environment.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    return chosen.lower().replace("-", "").endswith("utf8")


def started_with() -> dict[str, str]:
    """The environment that this process was given: Python puts LC_CTYPE=C.UTF-8 into its own where the locale is C."""
    given = Path("/proc/self/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(entry.split("=", 1) for entry in given if "=" in entry)
