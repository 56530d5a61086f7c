"""The man pages: without a warning, and of what is: healctl's commands, heald.toml's keys and values, the contract."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import command_tree
import helper_man
from heald import config
from heald.errors import HealdError
from heald.settings import BUILT_IN, Rule, Settings
from heald_helper import settings as root_settings

MAN = Path(__file__).resolve().parents[2] / "man"
PAGES = sorted(MAN.iterdir())
VALUE = re.compile(r"^     (?P<key>[a-z][\w.-]+) = (?P<value>.+)$", re.MULTILINE)
KEY = re.compile(r"^\.It Ic (?P<key>[a-z_]+(?:\.[\w.-]+)?)", re.MULTILINE)


def rendered(page: Path) -> tuple[str, str]:
    """As a person reads it, 200 columns wide, and what groff complains of."""
    done = subprocess.run(["man", "--warnings", "--local-file", str(page)], capture_output=True, text=True, check=True,
                          env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
    return done.stdout, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_whole_and_groff_has_nothing_to_say(page: Path) -> None:
    shown, complaints = rendered(page)
    assert complaints == ""
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO"):
        assert (f"\n{heading}\n" in shown) or (heading == "FILES" and page.suffix == ".5"), heading
    assert max(map(len, page.read_text().splitlines())) <= 400


def test_every_page_that_is_named_is_there_or_somebody_else_s() -> None:
    ours = {page.name for page in PAGES}
    named = {f"{name}.{number}" for page in PAGES
             for name, number in re.findall(r"^\.Xr (\S*heal\S*) (\d)", page.read_text(), re.MULTILINE)}
    assert named == ours


def test_healctl_s_page_has_the_commands_that_there_are_with_their_options() -> None:
    described = {}
    for line in re.findall(r"^\.It Cm (.+)$", (MAN / "healctl.1").read_text(), re.MULTILINE):
        words = tuple(re.match(r"[a-z-]+(?: [a-z-]+)*", line)[0].split())      # type: ignore[index]
        described[words] = (set(re.findall(r"Fl (\S+)", line)), re.findall(r"(?:^|Oo |[a-z] )Ar ([A-Z]+)", line))
    for command in command_tree.commands():
        if command.words:
            flags = {flag[1:] for option in command.options for flag in option.flags} - {"h", "-help"}
            assert described.pop(command.words)[0] == flags, command.words
    assert described == {}


def test_every_argument_is_named_in_its_command_s_line() -> None:
    text = (MAN / "healctl.1").read_text()
    for command in command_tree.commands():
        for argument in command.arguments:
            assert re.search(rf"^\.It Cm {' '.join(command.words)}\b.* Ar {argument.metavar}\b", text, re.MULTILINE)


def known(tmp_path: Path, dotted: str = "") -> Iterator[str]:
    """Every key that a file may have, as the errors about one that it may not have name them."""
    file = tmp_path / "heald.toml"
    for head in (f"[{dotted}]\n", f"[[{dotted}]]\n") if dotted else ("",):
        file.write_text(f"{head}qqqqqqqqqq = 1\n")
        with pytest.raises(HealdError) as caught:
            config.load(file)
        if listed := re.search(r"known are (.+)$", str(caught.value)):
            for name in listed[1].split(", "):
                below = f"{dotted}.{name}" if dotted else name
                inner = list(known(tmp_path, below)) if below.count(".") < 1 else []
                yield from inner or [below]
            return


def test_heald_toml_s_page_has_the_keys_that_there_are(tmp_path: Path) -> None:
    described = {found["key"] for found in KEY.finditer((MAN / "heald.toml.5").read_text())}
    assert described == set(known(tmp_path))


def test_and_their_built_in_values(tmp_path: Path) -> None:
    values = {found["key"]: found["value"] for found in VALUE.finditer(rendered(MAN / "heald.toml.5")[0])}
    plain = [f"{key} = {value}" for key, value in values.items() if not key.startswith(("rule.", "probe."))]
    assert {key.partition(".")[0] for key in values} >= {"mode", "sense", "thresholds", "limits", "rule", "probe"}
    rule = [f"{key[5:]} = {value}" for key, value in values.items() if key.startswith("rule.")]
    probe = [f"{key[6:]} = {value}" for key, value in values.items() if key.startswith("probe.")]
    file = tmp_path / "heald.toml"
    file.write_text("\n".join([*plain, "[[rule]]", 'name = "x"', 'kind = "disk-full"', *rule,
                               "[[probe]]", 'unit = "x.service"', 'unix = "/x"', *probe]))
    settings = config.load(file)
    assert replace(settings, rules=BUILT_IN, probes=()) == Settings()
    assert replace(settings.rules[0], source="built-in") == Rule("x", "disk-full")
    file.write_text('[[probe]]\nunit = "x.service"\nunix = "/x"\n')
    assert settings.probes == config.load(file).probes


def test_helper_toml_s_page_has_root_s_keys_with_their_built_in_values(tmp_path: Path) -> None:
    page = MAN / "heald-helper.toml.5"
    assert {found["key"] for found in KEY.finditer(page.read_text())} == set(root_settings.KEYS)
    values = {found["key"]: found["value"] for found in VALUE.finditer(rendered(page)[0])}
    assert values.keys() == set(root_settings.KEYS)
    file = tmp_path / "helper.toml"
    file.write_text("\n".join(f"{key} = {value}" for key, value in values.items()))
    assert root_settings.load(str(file)) == (root_settings.Settings(), "")


def test_the_helper_s_page_is_made_from_the_contract() -> None:
    assert helper_man.FILE.read_text() == helper_man.made(), "run: PYTHONPATH=helper python tests/helper_man.py"
