"""Which rule decides, and what today's rules would have made of the past."""

from dataclasses import replace
from pathlib import Path

from heald.face import text
from heald.face.ruling import differences, explain
from heald.model import Category, Incident, Mode, Severity
from heald.settings import BUILT_IN, Rule, Rung, Settings
from unit.world import Story, World

START = Rung(Category.SERVICE, "start")
MINE = Rule("mine", "unit-failed", "a*.service", Severity.CRITICAL, Mode.ASK, (START,), source="heald.toml")


def test_it_is_said_of_each_rule_why_it_does_not_decide() -> None:
    settings = Settings(mode=Mode.OBSERVE, rules=(MINE, replace(MINE, name="late", severity=Severity.LOW), *BUILT_IN))
    found = explain(settings, "unit-failed", "a.service", Severity.HIGH)
    assert {rule["name"]: rule["why"] for rule in found["rules"]} == {
        "mine": "is for critical severity or worse", "late": "decides",
        **{rule.name: "an earlier rule decides" if rule.kind == "unit-failed" else f"is for {rule.kind}"
           for rule in BUILT_IN}}
    assert (found["rule"], found["mode"], found["ladder"]) == ("late", "observe", ["service/start"])
    assert explain(settings, "unit-failed", "b.service", Severity.HIGH)["rules"][0]["why"] == "is for a*.service"
    nothing = explain(Settings(rules=(MINE,)), "disk-full", "/", Severity.HIGH)
    assert (nothing["rule"], nothing["mode"]) == (None, "observe")
    assert text.explained(nothing).endswith("then no rule matches: it is observed")


def past(folder: Path, settings: Settings, world: World | None = None) -> list[Incident]:
    """What a day of a unit that always dies leaves behind."""
    story = Story(folder, world, settings)
    story.world.fail("a.service")
    story.world.lasts["a.service"] = 12
    return story.run(3600).incidents


def test_the_same_rules_decide_the_same(tmp_path: Path) -> None:
    for place, settings in enumerate((Settings(), Settings(mode=Mode.OBSERVE), Settings(mode=Mode.ASK))):
        (tmp_path / str(place)).mkdir()
        assert list(differences(settings, past(tmp_path / str(place), settings))) == []


def test_what_would_have_been_decided_differently_is_told(tmp_path: Path) -> None:
    incidents = past(tmp_path, Settings())
    [asks] = differences(Settings(mode=Mode.ASK), incidents)
    assert asks["then"][:2] == ["did service/start a.service", "did service/repair a.service"]
    assert asks["today"] == ["asked before service/start a.service"]
    [shorter] = differences(Settings(rules=(replace(BUILT_IN[0], ladder=(START,)),)), incidents)
    assert shorter["today"][:2] == ["did service/start a.service"] * 2
    [nothing] = differences(Settings(rules=()), incidents)
    assert nothing["today"] == ["did nothing"]
    assert '(rule "none")' in text.replayed({"incidents": 1, "changes": [nothing]})


def test_no_rule_overrides_what_was_stood_back_from(tmp_path: Path) -> None:
    [incident] = past(tmp_path, Settings(mode=Mode.OBSERVE))
    assert list(differences(Settings(), [replace(incident, outcome="stood-back")])) == []
    assert len(list(differences(Settings(), [incident]))) == 1
    cleared = replace(incident, outcome="cleared", reason="it became well without heald; before: stopped: a person did")
    assert list(differences(Settings(), [cleared])) == []


def test_what_was_only_observed_until_it_cleared_tells_what_would_be_done_today(tmp_path: Path) -> None:
    story = Story(tmp_path, settings=Settings(mode=Mode.OBSERVE))
    story.world.fail("a.service")
    story.run(60)
    story.world.start("a.service")
    [incident] = story.run(120).incidents
    assert incident.outcome == "cleared"
    [change] = differences(Settings(), [incident])
    assert (change["then"], change["today"]) == (["did nothing"], ["did service/start a.service"])
    assert list(differences(Settings(mode=Mode.ASK), [incident])) == []     # that it was not asked is not recorded
