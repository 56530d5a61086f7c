"""The packages of this version and of the next: built, installed, taken away."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from machine import product
from machine.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build"
NOW, NEXT_TO_IT, AGAIN = "deb", "deb-next", "deb-again"     # folders in it: what `make deb` makes, the version after it
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "build", "wheelhouse")
NAMES = ("heald-helper", "heald")
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
NEXT = f"{VERSION}.1"
VERSIONED = ("pyproject.toml", "controller/heald/__init__.py", "helper/heald_helper/__init__.py", "debian/changelog")


def build(which: str, checkout: Path = ROOT) -> Path:
    """Builds what a checkout has, as `make deb` does, into a folder that machines see."""
    folder = BUILT / which
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run([str(checkout / "install/deb.sh"), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(file) for file in sorted(folder.glob("*.deb"))]
    return folder


def next_version(folder: Path) -> Path:
    """A copy of the checkout that is one version later, and nothing else."""
    tree = folder / "next"
    shutil.copytree(ROOT, tree, symlinks=True, ignore=LEFT_OUT)
    for path in VERSIONED:
        file = tree / path
        file.write_text(re.sub(rf"(?<=[\"(]){re.escape(VERSION)}(?=[\")])", NEXT, file.read_text(), count=1))
    return tree


def files(which: str, *names: str) -> list[str]:
    """The packages as a machine sees them."""
    return [f"{product.SOURCE}/{file.relative_to(ROOT)}"
            for name in names for file in (BUILT / which).glob(f"{name}_*.deb")]


def apt(machine: Machine, *words: str) -> str:
    """What a person types; the machine has no network."""
    return machine.run("apt-get", "--quiet", "--yes", *words, env={
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}).stdout


def install(machine: Machine, which: str, *names: str) -> str:
    return apt(machine, "install", *files(which, *names))


def users(machine: Machine) -> set[str]:
    """Name and what stands for a password, of each user."""
    return {":".join(line.split(":")[:2]) for line in machine.run("getent", "shadow").stdout.splitlines()}


def left(machine: Machine, before: set[str]) -> set[str]:
    """What is there that was not, or was there and is not; what the host itself was given meanwhile shows through."""
    now = product.files(machine)
    return {path for path in now - before if not os.path.lexists(path)} | {
        path for path in before - now if os.path.lexists(path)}


def version(machine: Machine, name: str) -> str:
    """What org.heald.NAME says its version is; "" while it does not answer."""
    said = machine.run("busctl", "get-property", f"org.heald.{name}", f"/org/heald/{name}", f"org.heald.{name}",
                       "Version", check=False).stdout
    return said.removeprefix("s ").strip().strip('"')
