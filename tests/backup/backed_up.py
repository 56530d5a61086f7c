"""A folder of somebody's, a target for its backups, and `healctl backup` as they run it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SIDES = "import sys; from heald.face.cli import main; sys.argv[0] = 'healctl'; main()"


@dataclass(frozen=True)
class Person:
    """Whose home is a folder of the test's. They have letters, and a disk for backups."""

    home: Path

    @classmethod
    def settle(cls, home: Path, *, keep: int = 3, paths: str = '["~/letters"]', target: str = "~/disk") -> "Person":
        """With a configuration, one letter and an empty disk."""
        person = cls(home)
        (home / "letters").mkdir(parents=True)
        (home / "letters/june.txt").write_text("first")
        (home / "disk").mkdir(mode=0o700)
        person.configure(f"paths = {paths}\ntarget = {target!r}\nkeep = {keep}\n")
        return person

    @property
    def letters(self) -> Path:
        return self.home / "letters"

    @property
    def disk(self) -> Path:
        return self.home / "disk"

    @property
    def snapshots(self) -> list[str]:
        """By their names alone, as a person sees them with ls(1)."""
        return sorted(path.name for path in self.disk.iterdir() if not path.name.startswith("."))

    def configure(self, text: str) -> None:
        file = self.home / ".config/heald/heald.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"[backup]\n{text}")

    def healctl(self, *words: str, program: str = SIDES, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs `healctl backup WORDS`."""
        return subprocess.run([sys.executable, "-c", program, "backup", *words], capture_output=True, text=True,
                              check=False, cwd=self.home, env=self.environment(**environment))

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": str(ROOT / "controller"), **more}

    def document(self, *words: str) -> dict[str, Any]:
        """What it prints with --json."""
        done = self.healctl(*words, "--json")
        assert done.stderr == ""
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["version"] == 1
        return found

    def copy(self, snapshot: str) -> Path:
        """Where the letters lie in a snapshot."""
        return self.disk / snapshot / str(self.letters)[1:]


def tree(folder: Path) -> dict[str, tuple[int, int, str]]:
    """What is below: modes, times to the second and contents of files, targets of links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        says = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (state.st_mode, int(state.st_mtime), says)
    return found
