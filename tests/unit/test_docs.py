"""What README and docs say is what the code does."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heald import config, document, levels
from heald.model import OPERATIONS, Action, Attempt, Category, Incident, Issue, Result, Severity
from heald.settings import BUILT_IN, Settings
from heald_helper import settings as root

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION, JSON, README = (ROOT / name for name in ("docs/configuration.md", "docs/json.md", "README.md"))
DOCS = sorted((ROOT / "docs").glob("*.md"))


def blocks(file: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", file.read_text(), re.MULTILINE | re.DOTALL)


def test_the_documented_values_are_the_built_in_ones(tmp_path: Path) -> None:
    controller, _ = blocks(CONFIGURATION, "toml")
    (tmp_path / "heald.toml").write_text(controller)
    settings = config.load(tmp_path / "heald.toml")
    assert replace(settings, rules=BUILT_IN, probes=()) == Settings()
    assert [rule.name for rule in settings.rules[:-len(BUILT_IN)]] == ["search", "leave the backup alone"]


def test_root_s_own_file_is_documented_as_it_is_read(tmp_path: Path) -> None:
    _, helper = blocks(CONFIGURATION, "toml")
    (tmp_path / "helper.toml").write_text(helper)
    settings, wrong = root.load(f"{tmp_path}/helper.toml")
    assert wrong == ""
    assert settings._replace(protected=(), may_restart=(), run=()) == root.Settings()
    assert tomllib.loads(helper).keys() >= {"protected", "may_restart", "run"}
    assert [key for key in root.KEYS if key.rpartition(".")[2] not in CONFIGURATION.read_text()] == []


def test_every_operation_and_every_threshold_is_named() -> None:
    for category, operations in OPERATIONS.items():
        for operation in operations:
            assert f"{category}/{operation}" in CONFIGURATION.read_text()
    for kind in levels.KEYS:
        assert f"\n{kind} = " in CONFIGURATION.read_text()


def test_every_key_of_a_document_is_described() -> None:
    action = Action(Category.SERVICE, "start", "a.service")
    attempt = Attempt(action, 1.0, 2.0, Result("done"))
    incident = Incident(1, "unit-failed", "a.service", Severity.HIGH, 1.0, attempts=(attempt,), next=(action, 1.0))
    shown: dict[str, Any] = document.incident(incident, 0.0)
    issue = document.issue(Issue("unit-failed", "a.service", Severity.HIGH, 1.0, "failed", "failed", ""), 1, 0.0)
    described = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", JSON.read_text()))))
    for keys in (shown, issue, shown["actions"][0], shown["next"], document.rule(BUILT_IN[0])):
        assert set(keys) <= described


@pytest.mark.parametrize("file", [README, *DOCS], ids=lambda file: file.name)
def test_what_is_linked_is_there(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
        assert (file.parent / target).exists(), target
