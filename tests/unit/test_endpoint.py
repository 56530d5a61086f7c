"""The three pages together: what /health answers, how often a page is made, and where none can be served."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from heald.face.endpoint import LATE, Endpoint
from heald.history import History
from heald.listen import Listen

KNOWN: dict[str, Any] = {"Version": "1.2.3", "Mode": "auto", "Health": 80, "Limits": {"incidents_left": 7,
                         "rollbacks_left": 3}, "Issues": [], "Incidents": [], "Paused": []}


class Stage:
    """An endpoint on a free port, what it said, and how often what heald knows was read."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.behind, self.reads = 0.0, 0
        path = folder / "history.db"
        self.endpoint = Endpoint(History(path, print), path, self._read, behind=lambda: self.behind,
                                 reachable=self._reachable, say=self.said.append)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.on = Listen(enable=True, port=self.port)

    def _read(self) -> dict[str, Any]:
        self.reads += 1
        return KNOWN

    async def _reachable(self) -> bool:
        return True

    async def get(self, path: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split()[1]), body

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                async with asyncio.timeout(60):
                    await story()
            finally:
                await self.endpoint.stop()
        asyncio.run(whole())


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_health_is_heald_s_own(stage: Stage) -> None:
    async def story() -> None:
        await stage.endpoint.use(stage.on)
        status, body = await stage.get("/health")
        assert (status, json.loads(body)) == (200, {"version": 1, "status": "ok", "health": 80, "issues": 0})
        stage.behind = LATE + 1
        status, body = await stage.get("/health")
        assert (status, json.loads(body)["status"]) == (503, "blind")
        assert "heald cannot look at this machine now" in (await stage.get("/"))[1]
    stage.play(story)


def test_many_readers_cost_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heald.face.endpoint.KEPT", 3600.0)

    async def story() -> None:
        await stage.endpoint.use(stage.on)
        bodies = await asyncio.gather(*(stage.get("/metrics") for _ in range(10)))
        assert len(set(bodies)) == 1
        assert stage.reads == 1
    stage.play(story)


def test_the_same_again_is_no_new_start(stage: Stage) -> None:
    async def story() -> None:
        await asyncio.gather(*(stage.endpoint.use(stage.on) for _ in range(5)))
        assert stage.said == [f"metrics and the status page are on http://127.0.0.1:{stage.port}/"]
        await stage.endpoint.use(Listen())
        with pytest.raises(ConnectionRefusedError):
            await stage.get("/")
    stage.play(story)


def test_a_port_in_use_is_told_and_tried_again(stage: Stage) -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", stage.port)):
            await stage.endpoint.use(stage.on)
        [line] = stage.said
        assert line.startswith(f"metrics cannot be served on 127.0.0.1:{stage.port}: Address already in use; ")
        await stage.endpoint.use(stage.on)
        assert (await stage.get("/"))[0] == 200
    stage.play(story)


def test_an_address_of_version_6_is_written_as_one(stage: Stage) -> None:
    async def story() -> None:
        await stage.endpoint.use(Listen(enable=True, address="2001:db8::1", port=stage.port))
        assert f" on [2001:db8::1]:{stage.port}: " in stage.said[0]
    stage.play(story)
