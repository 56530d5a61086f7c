"""The witness and the alerts, in stories by the clock: never before a repair, once for each incident."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path

import pytest

from heald import stories
from heald.alerts import Alerts
from heald.errors import Code, HealdError
from heald.model import Action, Incident, Result
from heald.readings import Part, Unit
from heald.settings import Settings
from heald.witness import Witness
from unit.test_modes import ASKS
from unit.world import Story


class Files:
    """systemd's manager, as the witness knows it."""

    def __init__(self, told: list[str]) -> None:
        self._told = told

    async def files(self, name: str) -> tuple[str, ...]:
        self._told.append(f"files of {name}")
        if name == "gone.service":
            raise HealdError(Code.FAILED, "there is no such unit")
        return ()


class Followed(Story):
    """A story with a witness and with alerts; `told` is the order in which things happened."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        super().__init__(folder, settings=settings)
        self.told: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.follow()
        self.engine._notes._changed = self._changed
        self._turn, self.engine.turn = self.engine.turn, self._turned   # type: ignore[method-assign]
        self.world.begins = lambda action: self.told.append(str(action))

    async def _turned(self) -> None:
        """As the daemon has it at each turn."""
        await self._turn()
        self._witness.go_on()

    def follow(self) -> None:
        self._witness = Witness(
            self.history, self.world, Files(self.told), lambda: self.engine.busy, self._spawn)
        self._alerts = Alerts(self.history, self, self.told.append, self._spawn)

    async def heal(self, action: Action, *, wait: int = 20) -> Result:
        assert (str(action), wait) == (f"system/alert {action.target}", 20)
        return Result("done") if self.has_alert else Result(Code.NOT_SUPPORTED, "not installed")

    has_alert = True

    async def operations(self) -> frozenset[str]:
        return frozenset()

    def _spawn(self, work: Coroutine[None, None, None], _: str) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(lambda done: done.cancelled() or done.result())

    def _changed(self, incident: Incident) -> None:
        self._witness.changed(incident.id)
        self._alerts.changed(incident.id)

    async def _run(self, end: float) -> None:
        await super()._run(end)
        while ahead := {task for task in self.tasks if not task.done()}:
            await asyncio.wait(ahead)

    def kept(self, folder: Path, number: int) -> stories.Story:
        self.history.flush()
        return stories.read(folder / "history.db", number)


@pytest.fixture(autouse=True)
def killed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def killer(unit: Unit) -> str:
        return f"{unit.name} by {unit.result}"
    monkeypatch.setattr("heald.sensors.killers.killer", killer)
    monkeypatch.setattr("heald.sensors.changes.read", lambda *_: ((), 0))


def test_a_repair_comes_first(tmp_path: Path) -> None:
    story = Followed(tmp_path)
    story.world.fail("a.service")
    story.run(60)
    assert story.told[:2] == ["service/start a.service", "files of a.service"]
    kept = story.kept(tmp_path, 1)
    assert kept.findings == stories.Findings("a.service by signal")
    assert len(kept.evidence) == 1              # that of the repair


def test_one_that_is_seen_well_before_its_repair_has_ended_is_looked_at_when_it_has(tmp_path: Path) -> None:
    story = Followed(tmp_path)
    story.world.takes = 5.0
    story.world.begins = lambda action: story.world.start(action.target)
    story.world.at(1, lambda: story.engine.wake(Part.UNITS))
    story.world.fail("a.service")
    story.run(8)                                # the next look at everything is at 30
    assert story.incidents[0].outcome == "healed"
    assert story.told == ["files of a.service"]


def test_what_is_not_repaired_is_looked_at_too_and_once(tmp_path: Path) -> None:
    story = Followed(tmp_path)
    story.world.fail("gone.service", job=7)     # somebody is at it: stood back from
    story.run(3600)
    assert story.told == ["files of gone.service"]
    kept = story.kept(tmp_path, 1)
    assert kept.findings == stories.Findings("gone.service by signal")
    assert kept.evidence[0].journal == ("gone.service died before 1000",)


def test_each_incident_once_also_when_it_relapses_and_after_a_restart(tmp_path: Path) -> None:
    story = Followed(tmp_path)
    story.world.lasts["a.service"] = 12
    story.world.fail("a.service")
    story.run(200)
    story.follow()
    story.run(400)
    assert story.told.count("files of a.service") == 1


def test_a_storm_is_looked_at_one_by_one_when_no_repair_is_under_way(tmp_path: Path) -> None:
    story = Followed(tmp_path)
    story.world.takes = 2.0
    busy: list[bool] = []

    async def files(name: str) -> tuple[str, ...]:
        busy.append(story.engine.busy)
        story.told.append(f"files of {name}")
        return ()
    story._witness._manager.files = files  # type: ignore[method-assign]
    for number in range(8):
        story.world.fail(f"u{number}.service")
    story.run(120)
    looked = [line for line in story.told if line.startswith("files of")]
    assert sorted(looked) == [f"files of u{number}.service" for number in range(8)]
    assert busy == [False] * 8


def test_root_tells_somebody_once_when_heald_asks_and_when_it_gives_up(tmp_path: Path) -> None:
    story = Followed(tmp_path, ASKS)
    story.world.fail("a.service")
    story.run(3600)
    story.follow()                              # the daemon was started again
    story.run(7200)
    alerts = [line for line in story.told if "alert" in line]
    assert alerts == ["incident 1: system/alert 1: done"]
    story.run(3 * 86400)
    assert story.incidents[0].outcome == "gave-up"
    assert [line for line in story.told if "alert" in line] == alerts * 2


def test_where_root_installed_nothing_nothing_is_said(tmp_path: Path) -> None:
    story = Followed(tmp_path, ASKS)
    story.has_alert = False
    story.world.fail("a.service")
    story.run(3600)
    assert story.incidents[0].outcome == "asked"
    assert "alert" not in "".join(story.told)


def test_what_is_well_again_is_no_alert(tmp_path: Path) -> None:
    story = Followed(tmp_path)
    story.world.fail("a.service")
    story.run(60)
    [incident] = story.incidents
    story.history.known[1] = replace(incident, outcome="gave-up", well=story.world.now)
    story._alerts.changed(1)
    story._alerts.changed(99)
    assert "alert" not in "".join(story.told)
