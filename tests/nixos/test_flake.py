"""flake.nix and all the other files of Nix: parsed, and checked without a network."""

import ast
import json
import subprocess
from pathlib import Path

import pytest

from nixos.conftest import ROOT, Nix

FILES = [ROOT / name for name in ("flake.nix", "default.nix", "nix/package.nix", "nix/module.nix", "nix/test.nix")]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout as it is, without what git does not know of."""
    folder = tmp_path_factory.mktemp("flake")
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                            capture_output=True, check=True).stdout
    subprocess.run(["tar", "--create", "--file", str(folder / "all.tar"), "--directory", str(ROOT), "--null",
                    "--files-from=-"], input=listed, check=True)
    subprocess.run(["tar", "--extract", "--file", str(folder / "all.tar"), "--directory", str(folder)], check=True)
    (folder / "all.tar").unlink()
    return folder


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_parses(nix: Nix, file: Path) -> None:
    nix.run("nix-instantiate", "--parse", str(file))


def test_the_flake_is_sound_without_a_network(nix: Nix, tracked: Path) -> None:
    nix.run("nix", "flake", "check", "--offline", f"path:{tracked}")
    shown = json.loads(nix.run("nix", "flake", "show", "--offline", "--json", f"path:{tracked}").stdout)
    assert shown.keys() == {"overlays", "nixosModules", "checks"}
    locked = json.loads(nix.run("nix", "flake", "metadata", "--offline", "--json", f"path:{tracked}").stdout)["locks"]
    assert locked["nodes"].keys() == {"root"}


def test_the_overlay_brings_the_package(nix: Nix, tracked: Path, heald: Path) -> None:
    asked = (f'let pkgs = import ./tests/nixos/pkgs.nix {{ wheels = {ROOT}/wheelhouse; }};'
             f' in ((import {tracked}/flake.nix).outputs {{ self = null; }}).overlays.default pkgs pkgs')
    built = nix.build("--expr", asked, "--attr", "heald")
    assert Path(built).name.partition("-")[2] == heald.name.partition("-")[2]


def test_the_script_of_the_nixos_test_is_python(nix: Nix) -> None:
    """That is all that can be told of it without a NixOS."""
    asked = "(import ./nix/test.nix { pkgs.testers.runNixOSTest = test: test; }).testScript"
    ast.parse(json.loads(nix.run("nix-instantiate", "--eval", "--strict", "--json", "--expr", asked).stdout))
