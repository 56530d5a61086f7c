"""The completions in the tree are made from today's commands, and every shell can read its own."""

import subprocess

import pytest

import command_tree
import completions


@pytest.mark.parametrize("name", completions.FILES)
def test_they_are_made_from_the_commands_as_they_are(name: str) -> None:
    made = completions.FILES[name]()
    assert (completions.FOLDER / name).read_text() == made, "run: PYTHONPATH=controller python tests/completions.py"


@pytest.mark.parametrize(("name", "shell"), [
    ("bash/healctl", "bash"), ("zsh/_healctl", "zsh"), ("fish/healctl.fish", "fish")])
def test_its_shell_can_read_it(name: str, shell: str) -> None:
    done = subprocess.run([shell, "-n", str(completions.FOLDER / name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_has_an_example_and_a_line_that_is_shown_whole() -> None:
    for command in command_tree.commands():
        assert "Example" in command.text, command.words
        assert len(command.about) <= 45 or not command.words, command.about     # click cuts there
        assert all(one.help for one in command.parameters), command.words
