"""Every command's --json has the keys that docs/json.md says, no more and no fewer."""

import json
import re
from typing import Any

import pytest

from demo.__main__ import incidents
from machine import product
from machine.healctl import document, healctl
from machine.machine import SOURCE, Machine

TEXT = (SOURCE / "docs/json.md").read_text()
ISSUE = {"id", "kind", "subject", "severity", "since", "value", "threshold", "detail"}
RULE = {"name", "kind", "subject", "severity", "for", "mode", "settle", "ladder", "source"}


@pytest.fixture(autouse=True, scope="module")
def one_of_each(machine: Machine) -> None:
    """An incident that was healed, and one that is stood back from."""
    machine.run("systemctl", "start", "heald.service")
    product.add_service(machine, "shop.service")
    machine.run("systemctl", "kill", "--signal=KILL", "shop.service")
    product.add_unit(machine, "stubborn.service", "[Service]\nExecStart=/bin/sh -c "
                     "'trap \"exit 3\" TERM; while :; do sleep 0.1; done'\n")
    machine.run("systemctl", "start", "stubborn.service")
    machine.run("systemctl", "stop", "stubborn.service")
    product.wait_until(lambda: {"healed", "stood-back"} <= {one["outcome"] for one in incidents(machine)}, "both are")


def documented(command: str) -> set[str]:
    """The keys of a command's document, from the list in braces that follows its name."""
    found = re.search(rf"`?healctl {command} --json`?(?: and `[^`]*`)?[^{{]*\{{([^}}]*)\}}", TEXT)
    assert found is not None, command
    return set(re.findall(r"\w+", found[1]))


def rows(section: str) -> set[str]:
    """The keys in the table of one section."""
    text = TEXT.partition(f"## healctl {section} --json")[2].partition("\n## ")[0]
    return {key for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("command", [
    "check", "heal --dry-run", "status", "history", "why", "rules", "rules test unit-failed shop.service",
    "rules replay", "config check", "pause mill.service 1h", "resume mill.service",
])
def test_a_document_has_the_keys_that_are_described(machine: Machine, command: str) -> None:
    words = command.split()
    name = " ".join(words[:2] if words[0] in {"rules", "config"} else words[:1])
    found = document(healctl(machine, *words, "--json"))
    assert found.keys() == (documented(name) if name != "resume" else documented("pause"))
    for issue in found.get("issues", []):
        assert issue.keys() == ISSUE == rows("check")
    for incident in found.get("incidents", []) if name != "rules replay" else []:
        assert incident.keys() == rows("history")
    if name == "rules":
        assert all(rule.keys() == RULE for rule in found["rules"])


def test_a_story_has_the_keys_that_are_described(machine: Machine) -> None:
    [number] = [one["id"] for one in incidents(machine) if one["outcome"] == "healed"]
    stories: list[dict[str, Any]] = []

    def whole() -> bool:
        stories[:] = [document(healctl(machine, "why", number, "--json"))]
        return all(stories[0][part] for part in ("ended_by", "evidence", "changes"))
    product.wait_until(whole, "the story is whole")
    [story] = stories
    assert story.keys() - {"version"} == rows("why")
    assert story["incident"].keys() == rows("history")
    assert story["seen"].keys() == {"since", "value", "threshold", "detail"}
    assert story["steps"][0].keys() == {"time", "event", "reason"}
    assert story["evidence"][0].keys() == {"time", "properties", "journal"}
    assert story["changes"][0].keys() == {"time", "kind", "what", "detail"}
    assert {change["kind"] for change in story["changes"]} <= {"file", "package", "generation"}
    properties = set(re.findall(r"`(\w+)`", TEXT.partition("`properties` are")[2].partition(". Who")[0]))
    assert story["evidence"][0]["properties"].keys() == properties
    other = document(healctl(machine, "why", "--json"))
    assert [one.keys() for one in other["advice"]] == [{"why", "command"}]


def test_watch_prints_an_object_a_line(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service")
    machine.run("sh", "-c", "timeout 600 healctl watch --json > /run/watched 2>&1 & echo $! > /run/watcher")

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in machine.read("/run/watched").splitlines()]

    def seen(*events: str) -> None:
        product.wait_until(lambda: {one["event"] for one in lines()} >= set(events), f"it has seen {events}")
    seen("gone")
    machine.run("systemctl", "start", "heald.service")
    seen("came")
    product.add_service(machine, "mill.service")
    machine.run("systemctl", "kill", "--signal=KILL", "mill.service")
    seen("ended", "healed")
    machine.run("sh", "-c", "kill $(cat /run/watcher)")
    keys = documented("watch")
    for one in lines():
        if one["id"] is None:
            assert one.keys() == {"time", "event", "id"}
            continue
        assert keys <= one.keys() <= keys | {"operation", "target", "result", "detail"}
