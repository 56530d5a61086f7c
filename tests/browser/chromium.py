"""Debian's chromium without a screen, driven over its debugging pipe: the Chrome DevTools Protocol."""

import base64
import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

SECONDS = 60.0          # until it must have answered; a busy host needs many of them
COMMAND = ("chromium", "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu",
           "--hide-scrollbars", "--no-first-run", "--disable-background-networking", "--disable-component-update",
           "--disable-dev-shm-usage", "--force-device-scale-factor=1", "about:blank")
"""No sandbox: it runs as root, and reads nothing but our own page."""


class Browser:
    """One page of one browser."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    @classmethod
    @contextmanager
    def open(cls, enter: Sequence[str] = ()) -> Iterator["Browser"]:
        """A browser that is gone at the end. `enter`: the words that put it elsewhere, into a machine's network."""
        with tempfile.TemporaryDirectory(prefix="heald-browser-") as home:
            to_it, from_us = _pipe()
            to_us, from_it = _pipe()
            command = [*enter, *COMMAND, f"--user-data-dir={home}"]
            started = subprocess.Popen(
                ["bash", "-c", f'exec "$@" 3<&{to_it} 4>&{from_it}', "bash", *command], pass_fds=(to_it, from_it),
                start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"], "HOME": home, "TZ": "UTC", "LANG": "C.UTF-8"})
            os.close(to_it)
            os.close(from_it)
            browser = cls(to_us, from_us)
            try:
                browser._attach()
                yield browser
                browser.call("Browser.close")
                started.wait(SECONDS)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(started.pid, signal.SIGKILL)
                started.wait()
                os.close(to_us)
                os.close(from_us)

    def _attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method of the protocol; its result."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        if self._session and not method.startswith(("Target.", "Browser.")):
            asked["sessionId"] = self._session
        os.write(self._write, json.dumps(asked).encode() + b"\0")      # as each message ends
        while True:
            message = self._message()
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])
            self.events.append(message)

    def visit(self, url: str, *, width: int = 1000, dark: bool = False, scripts: bool = True) -> None:
        """Loads a page so; returns when it is loaded. `events` are then those of this page."""
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not self.all("Page.loadEventFired"):
            self.events.append(self._message())

    def all(self, method: str) -> list[dict[str, Any]]:
        """The parameters of each such event since the page was visited."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression is worth in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all that there is to see, in CSS pixels."""
        found = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return found["width"], found["height"]

    def picture(self) -> bytes:
        """The whole page as PNG."""
        width, height = self.size
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def heard(self) -> list[tuple[str, str]]:
        """Role and name of each node that a screen reader is given, in its order."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]

    def _message(self) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"chromium said nothing for {SECONDS} s"
            piece = os.read(self._read, 1 << 20)
            assert piece, "chromium ended"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))


def _pipe() -> tuple[int, int]:
    """One whose numbers are far from 3 and 4, where chromium wants its own."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 100) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
