"""What heald does on NixOS: a unit that the last switch broke, a full store, a full /boot. Times are seconds."""

from pathlib import Path

from heald.model import Action, Mode, Result
from heald.readings import FileSystem
from heald.settings import BUILT_IN, Rule, Rung, Settings
from unit.world import Story

GIB = 1 << 30
MIB = 1 << 20


def broken(folder: Path, settings: Settings | None = None) -> Story:
    """web.service, which generation 7 changed, dies at once however often it is started."""
    story = Story(folder, settings=settings)
    story.world.fail("web.service", between="7-6")
    story.world.lasts["web.service"] = 0.5
    return story


def test_what_the_last_switch_broke_is_started_twice_and_then_a_person_is_asked_to_go_back(tmp_path: Path) -> None:
    story = broken(tmp_path).run(6 * 3600)
    assert [action.name for _, action in story.world.asked] == ["service/start", "service/repair"]
    [incident] = story.incidents
    assert (incident.outcome, incident.next and str(incident.next[0])) == ("asked", "system/rollback 7-6")
    assert incident.issue is not None
    assert incident.issue.detail.endswith("generation 7 of the system changed it")


def test_what_no_switch_changed_is_only_started(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.fail("web.service")
    story.world.lasts["web.service"] = 0.5
    story.run(6 * 3600)
    assert {action.operation for _, action in story.world.asked} == {"start", "repair"}
    assert story.incidents[0].outcome == "gave-up"


def test_a_rule_of_one_s_own_goes_back_by_itself_and_never_twice(tmp_path: Path) -> None:
    """Root still has to allow it."""
    start, back = Rung.parse("service/start"), Rung.parse("system/rollback")
    story = broken(tmp_path, Settings(rules=(Rule("mine", "unit-failed", ladder=(start, back)), *BUILT_IN)))
    story.run(6 * 3600)
    assert [str(action) for _, action in story.world.asked].count("system/rollback 7-6") == 1


def test_who_is_only_observed_is_not_asked_about(tmp_path: Path) -> None:
    story = broken(tmp_path, Settings(mode=Mode.OBSERVE)).run(3600)
    assert (story.world.asked, story.incidents[0].outcome) == ([], "observed")


def test_generations_are_dropped_unasked_only_when_the_disk_is_critically_full(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    frees = frozenset({"system/collect-garbage", "system/drop-generations"})
    world.filesystems["/"] = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 92 * GIB, 8 * GIB, frees=frees)
    story.run(120)
    assert [action.name for _, action in world.asked] == ["system/collect-garbage"]
    assert story.incidents[0].outcome == "asked"

    def answer(action: Action) -> Result:
        if action.operation == "drop-generations":
            world.filesystems.clear()
        return Result("done")
    world.answer = answer
    world.filesystems["/"] = FileSystem("/", "/dev/a", "ext4", 100 * GIB, 99 * GIB, 1 * GIB, frees=frees)
    story.run(300)
    assert [action.name for _, action in world.asked][-1] == "system/drop-generations"
    assert story.incidents[0].outcome == "healed"


def test_a_full_boot_is_an_issue_of_its_own_and_the_cause_of_nothing(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.world.filesystems["/boot"] = FileSystem("/boot", "/dev/b", "vfat", 512 * MIB, 507 * MIB, 5 * MIB,
                                                  frees=frozenset())
    story.world.fail("a.service")
    story.run(90)
    assert [(i.kind, i.subject, i.outcome) for i in story.incidents] == [
        ("unit-failed", "a.service", "healed"), ("boot-full", "/boot", "asked")]
    boot = story.incidents[1]
    assert boot.next is not None
    assert boot.next[0].name == "system/drop-generations"
    assert boot.reason == 'rule "boot" asks before system/drop-generations'
