"""What README and docs show can be typed: the commands and options are there, and each document is listed."""

import re
import xml.etree.ElementTree as ET

import pytest

import command_tree
import documents

KNOWN = {command.words: {flag for option in command.options for flag in option.flags}
         for command in command_tree.commands()}
TYPED = sorted({(file.name, line) for file in documents.DOCUMENTS
                for line in (*re.findall(r"`(?:sudo )?(healctl [^`\n]+)`", file.read_text()),
                             *(word for step in documents.steps(file.read_text()) for command in step.commands
                               for word in re.findall(r"\bhealctl [^|&;$)]+", command)))})
TARGETS = sorted({(file.name, target) for file in documents.DOCUMENTS
                  for target in re.findall(r"`(?:sudo )?make ([a-z-]+)", file.read_text())})


@pytest.mark.parametrize(("document", "line"), TYPED)
def test_a_command_and_its_options_are_there(document: str, line: str) -> None:
    words = line.partition("|")[0].replace("[", " ").replace("]", " ").split()[1:]
    named = tuple(word for word in words if re.fullmatch(r"[a-z]+", word))
    command = next((named[:count] for count in (2, 1) if named[:count] in KNOWN), ())
    assert command or words[0].startswith("-"), document
    assert {word for word in words if word.startswith("-")} <= KNOWN[command] | KNOWN[()] | {"--help"}, document


@pytest.mark.parametrize(("document", "target"), TARGETS)
def test_a_target_of_make_is_there(document: str, target: str) -> None:
    targets = re.findall(r"^([a-z -]+):", (documents.ROOT / "Makefile").read_text(), re.MULTILINE)
    assert target in " ".join(targets).split(), document


def test_every_document_is_listed() -> None:
    index = documents.ROOT / "docs/README.md"
    listed = re.findall(r"\]\(([\w-]+\.md)\)", index.read_text())
    assert sorted(listed) == sorted(file.name for file in index.parent.glob("*.md") if file != index)
    assert "(docs/README.md)" in (documents.ROOT / "README.md").read_text()


@pytest.mark.parametrize("document", ["threat-model.md", "configuration.md"])
def test_every_polkit_action_is_told_of(document: str) -> None:
    text = (documents.ROOT / "docs" / document).read_text()
    actions = [action.attrib["id"] for policy in (documents.ROOT / "polkit").glob("*.policy")
               for action in ET.parse(policy).iter("action")]
    assert len(actions) >= 5
    assert [action for action in actions if f"| `{action}` |" not in text] == []


@pytest.mark.parametrize(("change", "after"), [
    (" a\n+new\n", "#\na\nnew\nb c\nd\nd\n"),
    ("+new\n b …\n", "#\na\nnew\nb c\nd\nd\n"),
    ("-b …\n+new …\n", "#\na\nnew c\nd\nd\n"),
    ("-a\n-b c\n", "#\nd\nd\n"),
])
def test_a_change_is_made_in_its_place(change: str, after: str) -> None:
    assert documents.changed("#\na\nb c\nd\nd\n", change) == after


@pytest.mark.parametrize("change", ["-b\n", "-x\n", " d\n+new\n", "-c\n"])
def test_and_not_where_that_is_not_there_just_once(change: str) -> None:
    with pytest.raises(ValueError, match="places are"):
        documents.changed("#\na\nb c\nd\nd\n", change)
