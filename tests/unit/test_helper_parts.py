"""Parts of the helper on their own, with a systemd of a few lines: what cannot be had from a real one in time."""

import os
from pathlib import Path
from typing import Any

import pytest

from heald_helper import bounds, settings
from heald_helper.contract import RefusedError
from heald_helper.limits import Held, Ledger
from heald_helper.loop import Task, run, turn
from heald_helper.settings import File, Settings
from heald_helper.systemd import Manager, Unit

HELD = Held(former=100, ours=50, theirs=[])


class Reply:
    """A bus on which systemd names the job that was asked for, when it is told to."""

    def __init__(self) -> None:
        self.answered = False

    async def call(self, *_: Any, **__: Any) -> list[str]:
        while not self.answered:
            await turn()
        return ["/job/1"]


@pytest.mark.parametrize("early", [False, True])
def test_jobs_of_others_are_kept_only_until_ours_is_named(early: bool) -> None:
    async def main() -> str:
        bus = Reply()
        manager = Manager(bus)      # type: ignore[arg-type]
        task = Task(manager.job("StartUnit", Unit("a.service", "/a", {"Id": "a.service"})))
        await turn()
        for job in range(2, 100):
            manager._signalled("JobRemoved", [job, f"/job/{job}", "other.service", "done"])
        if early:
            manager._signalled("JobRemoved", [1, "/job/1", "a.service", "failed"])
        bus.answered = True
        await turn()
        await turn()
        assert manager._early == {}
        for job in range(100, 200):
            manager._signalled("JobRemoved", [job, f"/job/{job}", "other.service", "done"])
        manager._signalled("JobRemoved", [1, "/job/1", "a.service", "failed"])
        result = await task
        assert (manager._early, manager._ended) == ({}, {})
        return result

    assert run(main()) == "failed"


class Lifting:
    """A service with a limit of ours, and a systemd that says nothing at the first start of the unit that lifts it."""

    def __init__(self, ends: list[str]) -> None:
        self.ends, self.value, self.asked = ends, HELD.ours, list[str]()

    async def detail(self, _unit: Unit, _key: str) -> int:
        return self.value

    async def set(self, _unit: Unit, _name: str, value: int) -> None:
        self.value = value

    async def unit(self, name: str) -> Unit:
        return Unit(name, "/u", {"Id": name})

    async def job(self, _member: str, unit: Unit) -> str:
        self.asked.append(unit.name)
        if (end := self.ends.pop(0)) == "Timeout":
            raise RefusedError("Timeout", "systemd did not answer")
        return end


@pytest.mark.parametrize("first", ["Timeout", "failed"])
def test_a_limit_whose_way_back_broke_off_is_lifted_by_the_next_call(tmp_path: Path, first: str) -> None:
    ledger = Ledger(str(tmp_path), File(str(tmp_path / "none")))
    ledger.hold("a.service", {"MemoryHigh": HELD})

    class Scene:
        unit = Unit("a.service", "/a", {"Id": "a.service", "DropInPaths": []})
        manager, values = Lifting([first, "done"]), dict[str, int]()

    Scene.ledger = ledger       # type: ignore[attr-defined]

    async def lift() -> str:
        await bounds.is_ours(Scene)                 # type: ignore[arg-type]
        return await bounds.widen(Scene)            # type: ignore[arg-type]

    if first == "Timeout":
        with pytest.raises(RefusedError):
            run(lift())
    else:
        assert run(lift()) == "failed"
    assert run(lift()) == "done"
    assert Scene.manager.asked == [bounds.UNLIMIT.format("MemoryHigh", HELD.former, "a.service")] * 2
    assert (Scene.manager.value, ledger.held("a.service")) == (HELD.former, {})


@pytest.mark.parametrize(("owner", "mode"), [(65534, 0o644), (0, 0o664), (0, 0o646)])
def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path, owner: int, mode: int) -> None:
    file = tmp_path / "helper.toml"
    file.write_text('may_restart = ["*"]\nrun = ["theirs"]\n')
    file.chmod(mode)
    os.chown(file, owner, 0)
    found, wrong = settings.load(str(file))
    assert (found, "others than root" in wrong) == (Settings(mistaken=True), True)
