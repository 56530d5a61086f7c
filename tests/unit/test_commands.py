"""Every command of healctl can be read by a program."""

import inspect
import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from heald.face import cli, configuration, rules, text
from heald.face import known as daemon
from heald.face.cli import app

COMMANDS = [command.callback for group in (app, rules.app, configuration.app) for command in group.registered_commands
            if command.callback is not None]


@pytest.mark.parametrize("command", [*COMMANDS, rules.rules], ids=lambda command: command.__name__)
def test_every_command_has_json(command: Callable[..., Any]) -> None:
    flags = [flag for parameter in inspect.signature(command).parameters.values()
             for flag in getattr(parameter.default, "param_decls", None) or ()]
    assert "--json" in flags


def status(*issues: tuple[str, str, str], asked: int = 0) -> dict[str, Any]:
    return {"issues": [{"severity": severity, "kind": kind, "subject": subject} for severity, kind, subject in issues],
            "incidents": [{"outcome": "asked"}] * asked}


@pytest.mark.parametrize(("known", "line"), [
    (status(), ""),
    (status(("low", "cpu-busy", "machine")), ""),
    (status(("low", "cpu-busy", "machine"), asked=1), "heald: cpu-busy machine, 1 asked: healctl status"),
    (status(("medium", "unit-flapping", "a.service"), ("critical", "disk-full", "/")),
     "heald: disk-full /, 1 more: healctl status"),
    (status(("high", "unit-failed", "x" * 200)), f"heald: unit-failed {'x' * 44}…: healctl status"),
])
def test_one_line_at_most(known: dict[str, Any], line: str) -> None:
    assert text.short(known) == line
    assert len(line) <= 80


def test_where_the_locale_lacks_a_letter_the_line_is_printed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "argv", ["healctl", "status", "--short"])
    monkeypatch.setattr(daemon, "status", lambda: status(("high", "unit-failed", "x" * 200)))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    terminal.flush()
    assert terminal.buffer.getvalue() == f"heald: unit-failed {'x' * 44}?: healctl status\n".encode()
    assert ended.value.code == 1
