"""What heald does where one failure comes of another. Times are seconds after the first failure."""

from dataclasses import replace
from pathlib import Path

from heald.errors import Code
from heald.model import Action, Result
from unit.world import BEGIN, Story


def test_a_cause_with_two_bound_to_it(tmp_path: Path) -> None:
    """All back in a second, one incident."""
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "a.service", "b.service")
    world.fail("db.service")
    world.fall("a.service")
    world.fall("b.service")
    story.run(1)
    assert world.targets == ["db.service", "a.service", "b.service"]
    assert {u.active_state for u in world.units.values()} == {"active"}
    [incident] = story.incidents
    assert (incident.subject, incident.outcome) == ("db.service", "healed")
    assert [a.subject for a in incident.attempts] == ["", "a.service", "b.service"]
    assert story.engine.left["incidents_left"] == 9
    story.run(700)
    assert incident.id == story.incidents[-1].id
    assert story.incidents[0].closed is not None


def test_units_that_fail_with_what_they_require_wait_for_it(tmp_path: Path) -> None:
    """The cause does not come up at once; they cost no repair of their own meanwhile."""
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "a.service", "b.service")
    for name in ("db.service", "a.service", "b.service"):
        world.fail(name)
    world.answer = lambda a: Result(Code.FAILED) if world.now < BEGIN + 100 else world.up(a)
    story.run(160)
    assert world.targets == ["db.service", "db.service", "db.service", "a.service", "b.service"]
    assert world.times == [0, 30, 150, 150, 150]
    assert len(story.incidents) == 1


def test_a_cause_that_is_up_before_root_has_answered_is_known_to_be_back(tmp_path: Path) -> None:
    """What systemd stopped with it, and ended as failed, is still the cause's: no person stopped it."""
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "a.service")
    world.takes = 5
    world.fail("db.service")
    world.fall("a.service")
    world.units["a.service"] = replace(world.units["a.service"], active_state="failed", sub_state="failed")
    world.at(1, lambda: world.start("db.service"))
    world.at(2, lambda: None)
    world.answer = lambda a: Result("done") if a.target == "db.service" else world.up(a)
    story.run(20)
    assert world.targets == ["db.service", "a.service"]
    assert [i.subject for i in story.incidents] == ["db.service"]


def test_a_chain_is_started_from_its_end(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.chain("disk.mount", "db.service", "app.service")
    for name in ("app.service", "db.service", "disk.mount"):
        world.fail(name)
    story.run(5)
    assert world.targets == ["disk.mount", "db.service", "app.service"]
    assert [i.subject for i in story.incidents] == ["disk.mount"]


def test_a_chain_of_fallen_ones_too(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.chain("db.service", "app.service", "web.service")
    world.fail("db.service")
    world.fall("app.service")
    world.fall("web.service")
    story.run(5)
    assert world.targets == ["db.service", "app.service", "web.service"]
    assert len(story.incidents) == 1


def test_two_that_require_each_other_do_not_wait_for_each_other(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.add("a.service", requires=("b.service",), dependents=("b.service",))
    world.add("b.service", requires=("a.service",), dependents=("a.service",))
    world.fail("a.service")
    world.fail("b.service")
    story.run(5)
    assert sorted(world.targets) == ["a.service", "b.service"]


def test_a_fallen_unit_whose_one_try_failed_has_an_incident_of_its_own(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "a.service")
    world.fail("db.service")
    world.fall("a.service")

    def answer(action: Action) -> Result:
        if action.target == "db.service":
            return world.up(action)
        world.fail("a.service")
        return Result(Code.FAILED)
    world.answer = answer
    story.run(100)
    first, second = story.incidents
    assert (first.subject, first.outcome, second.subject) == ("db.service", "healed", "a.service")
    assert [(t, a.operation) for t, a in zip(world.times, (a for _, a in world.asked), strict=True)] == [
        (0, "start"), (0, "start"), (30, "repair")]
    assert story.engine.left["incidents_left"] == 8


def test_fifty_at_once_from_one_cause(tmp_path: Path) -> None:
    """The cause at 30 s, the rest in seconds, one incident."""
    story = Story(tmp_path)
    world = story.world
    names = [f"u{n}.service" for n in range(50)]
    world.bind("db.service", *names)
    world.fail("db.service")
    for name in names[:25]:
        world.fail(name)
    for name in names[25:]:
        world.fall(name)
    story.run(29)
    assert world.asked == []
    assert story.incidents[0].reason.startswith("a storm")
    story.run(35)
    assert world.targets[0] == "db.service"
    assert sorted(world.targets[1:]) == sorted(names)
    assert world.times[0] == 30
    assert len(story.incidents) == 1
    assert {u.active_state for u in world.units.values()} == {"active"}


def test_fifty_that_have_nothing_in_common_are_a_storm_and_ten_of_them_are_worked_on(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for n in range(50):
        story.world.fail(f"u{n}.service")
    story.run(600)
    assert story.world.times[0] == 30
    assert len(story.world.times) == 10


def test_four_at_once_are_no_storm(tmp_path: Path) -> None:
    story = Story(tmp_path)
    for n in range(4):
        story.world.fail(f"u{n}.service")
    story.run(1)
    assert len(story.world.times) == 4


def test_a_cause_that_clears_gives_one_early_try(tmp_path: Path) -> None:
    """a.service failed on its own before, and waits for minutes, when its database comes back."""
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "a.service")
    broken = {"a.service"}
    world.answer = lambda a: Result(Code.FAILED) if a.target in broken else world.up(a)
    world.fail("a.service")
    world.at(160, lambda: broken.add("db.service"))
    world.at(160, lambda: world.fail("db.service"))
    world.at(200, broken.clear)
    story.run(1000)
    mine = [at for at, a in world.asked if a.target == "a.service"]
    database = [at for at, a in world.asked if a.target == "db.service"]
    assert mine[:3] == [0, 30, 150]
    assert database == [160, 190, 310]
    assert mine[3:] == [310]                # not 450
    assert len(story.incidents) == 2


def test_what_a_person_stopped_is_not_started_for_those_who_require_it(tmp_path: Path) -> None:
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "a.service")
    world.fail("db.service", main_exit=int(BEGIN * 1e6) + 100)       # a stop that ended as a failure
    world.fail("a.service")
    story.run(600)
    assert world.asked == []
    assert story.incidents[0].reason.startswith("stopped: ")


def test_systemd_healed_the_cause_and_what_fell_with_it_is_started(tmp_path: Path) -> None:
    """No incident of the cause's: one incident for all that fell with it."""
    story = Story(tmp_path)
    world = story.world
    names = [f"u{n}.service" for n in range(20)]
    world.bind("db.service", *names)
    gone = replace(world.units["db.service"], active_exit=int(BEGIN * 1e6))
    world.units["db.service"] = replace(gone, active_state="activating", sub_state="auto-restart")
    for name in names:
        world.fall(name)

    def back() -> None:
        world.units["db.service"] = replace(gone, n_restarts=1)
        world.since["db.service"] = world.now
    world.at(1, back)
    story.run(40)
    assert sorted(world.targets) == sorted(names)
    assert {i.kind for i in story.incidents} == {"unit-blocked"}
    assert len(story.incidents) == 1
    assert story.engine.left["incidents_left"] == 9


def test_what_stays_down_though_its_cause_is_up_stays_an_issue_until_it_is_up(tmp_path: Path) -> None:
    """That it has fallen is known for five minutes, and root then finds nothing to heal; but it is no better then."""
    story = Story(tmp_path)
    world = story.world
    world.bind("db.service", "app.service")

    def dies() -> None:
        world.units["db.service"] = replace(world.units["db.service"], active_state="activating",
                                            sub_state="auto-restart", active_exit=int(world.now * 1e6))
        world.fall("app.service")

    def returns() -> None:
        world.start("db.service")
        world.units["db.service"] = replace(world.units["db.service"], n_restarts=1)

    world.at(10, dies)
    world.at(11, returns)
    world.answer = lambda _: Result(Code.PROTECTED, "app.service is protected in helper.toml")
    story.run(3600)
    [incident] = story.incidents
    assert (incident.subject, incident.outcome, incident.closed) == ("app.service", "refused", None)
    assert len(story.engine.issues) == 1
    world.start("app.service")
    story.run(4300)
    assert not story.engine.issues
    assert story.incidents[0].outcome == "cleared"
