"""The examples of docs/extending.md are carried out in a copy of the tree, and their own tests pass there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import documents
from machine.machine import SOURCE, Machine

pytestmark = pytest.mark.long

EXAMPLES = documents.parts(SOURCE / "docs/extending.md")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "build")


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_does_what_it_says(bare: Machine, tmp_path: Path, example: str) -> None:
    assert bare.run("true").returncode == 0         # where none can be booted, the example's own test would be skipped
    tree = tmp_path / "heald"
    shutil.copytree(SOURCE, tree, symlinks=True, ignore=LEFT_OUT)
    (tree / ".venv").symlink_to(sys.prefix)
    written = set()
    for step in documents.steps(EXAMPLES[example]):
        if step.language == "diff":
            file = tree / step.file
            file.write_text(documents.changed(file.read_text(), step.text))
            written.add(step.file)
        elif step.file:
            assert not (tree / step.file).exists()
            (tree / step.file).write_text(step.text)
            written.add(step.file)
        for command in step.commands:
            done = subprocess.run(["sh", "-c", command], cwd=tree, env={**os.environ, "CI": "true"}, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}"
    assert len(written) > 4
