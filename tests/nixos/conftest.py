"""A Nix with a store of its own, for the tests of this level."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Nix:
    """Nix with a store in `folder`, and no network."""

    folder: Path

    def run(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Runs one of Nix's programs in the checkout."""
        places = {f"NIX_{name}_DIR": str(self.folder / name.lower()) for name in ("STORE", "STATE", "LOG", "CONF")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL,
                              env={**os.environ, **places, "HOME": str(self.folder)})
        assert not check or done.returncode == 0, done.stderr
        return done

    def build(self, *words: str) -> str:
        """The store path that nix-build makes."""
        return self.run("nix-build", "--no-out-link", *words).stdout.strip()


@pytest.fixture(scope="session")
def nix(tmp_path_factory: pytest.TempPathFactory) -> Nix:
    folder = tmp_path_factory.mktemp("nix")
    (folder / "conf").mkdir()
    (folder / "conf/nix.conf").write_text("build-users-group =\nsandbox = false\nsubstituters =\n"
                                          "experimental-features = nix-command flakes\n")
    return Nix(folder)


@pytest.fixture(scope="session")
def heald(nix: Nix) -> Path:
    """nix/package.nix, built of this machine's Python and the wheels."""
    return Path(nix.build("default.nix", "--arg", "pkgs",
                          f"import ./tests/nixos/pkgs.nix {{ wheels = {ROOT}/wheelhouse; }}"))
