"""What is given to others: the same source makes the same bytes, whoever builds it where and when; all is pinned."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version as installed
from pathlib import Path

import pytest

from version import VERSION

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".git", ".venv", "wheelhouse", "build", "dist", "__pycache__", ".*_cache", ".hypothesis")
EPOCH = "1790000000"


def build(tree: Path, umask: int, **environment: str) -> dict[str, Path]:
    """Both kinds of package from a tree, by the end of their names."""
    words = [sys.executable, "-m", "hatchling", "build", "--directory", str(tree.parent / f"{tree.name}-dist")]
    subprocess.run(words, cwd=tree, check=True, capture_output=True, umask=umask,
                   env={"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": EPOCH, **environment})
    return {file.suffix: file for file in (tree.parent / f"{tree.name}-dist").iterdir()}


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    tree = tmp_path_factory.mktemp("one") / "heald"
    shutil.copytree(ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return build(tree, 0o022)


def test_another_folder_time_umask_and_language_make_the_same_bytes(
        built: dict[str, Path], tmp_path: Path) -> None:
    tree = tmp_path / "elsewhere"
    shutil.copytree(ROOT, tree, symlinks=True, copy_function=shutil.copyfile,
                    ignore=shutil.ignore_patterns(*LEFT_OUT))
    for file in tree.rglob("*"):
        if file.is_symlink():
            continue
        os.utime(file, (10**9, 10**9))
        original = ROOT / file.relative_to(tree)
        file.chmod(0o700 if file.is_dir() or os.access(original, os.X_OK) else 0o600)
    again = build(tree, 0o077, TZ="Asia/Kathmandu", LC_ALL="tr_TR.UTF-8", PYTHONHASHSEED="7", HOME=str(tmp_path))
    assert {kind: digest(file) for kind, file in again.items()} == {kind: digest(file) for kind, file in built.items()}
    assert {file.name for file in again.values()} == {f"heald-{VERSION}.tar.gz", f"heald-{VERSION}-py3-none-any.whl"}


def test_the_source_package_is_whole(built: dict[str, Path], tmp_path: Path) -> None:
    """It has all that is in the tree, and makes the same wheel."""
    with tarfile.open(built[".gz"]) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    subprocess.run(["tar", "--extract", "--file", built[".gz"], "--directory", tmp_path], check=True)
    assert names >= {"Makefile", "SECURITY.md", "install/install.py", "requirements/run.txt", "man/healctl.1",
                     "dbus/org.heald.Helper1.xml", "tests/unit/test_dist.py", "tests/unit/first_release/history.sql"}
    assert not [name for name in names if re.search(r"\.pyc$|^\.venv|^wheelhouse|^build/", name)]
    again = build(tmp_path / f"heald-{VERSION}", 0o022)
    assert digest(again[".whl"]) == digest(built[".whl"])


def test_the_wheel_has_both_halves_and_their_contract_and_works(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built[".whl"]) as wheel:
        names = wheel.namelist()
        assert wheel.read("heald_helper/org.heald.Helper1.xml") == (ROOT / "dbus/org.heald.Helper1.xml").read_bytes()
        metadata = wheel.read(f"heald-{VERSION}.dist-info/METADATA").decode()
    assert {name.partition("/")[0] for name in names} == {"heald", "heald_helper", f"heald-{VERSION}.dist-info"}
    assert f"\nVersion: {VERSION}\n" in metadata
    program = "import sys; sys.argv[1:] = ['config', 'check']; from heald.face.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": str(built[".whl"])})
    assert done.returncode in {0, 2}        # of this machine's own file
    assert done.stderr == ""


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_every_dependency_is_pinned_with_hashes(lock: Path) -> None:
    pinned = re.split(r"^(?=\S)", "".join(line for line in lock.read_text().splitlines(keepends=True)
                                          if not line.lstrip().startswith("#")), flags=re.MULTILINE)
    for one in filter(str.strip, pinned):
        assert re.match(r"[\w.\[\]-]+==\S+ \\\n", one), one
        assert "--hash=sha256:" in one, one


def test_what_builds_is_pinned_and_is_what_the_tests_build_with() -> None:
    lock = (ROOT / "requirements/build.txt").read_text()
    assert f"hatchling=={installed('hatchling')} " in lock
    locks = set(re.findall(r"^([\w-]+==\S+)", lock, re.MULTILINE))
    assert locks <= set(re.findall(r"^([\w-]+==\S+)", (ROOT / "requirements/test.txt").read_text(), re.MULTILINE))


def test_nothing_is_installed_that_is_not_pinned() -> None:
    """But for the tool that makes the locks."""
    for file in (ROOT / "Makefile", ROOT / "install/install.py", ROOT / ".ci/run"):
        text = file.read_text().replace("\\\n", " ")
        for line in re.findall(r"^.*\bpip[\"', ]+(?:install|wheel)\b.*$", text, re.MULTILINE):
            if "pip-tools" not in line:
                after = text[text.index(line):][:len(line) + 300]
                assert "--require-hashes" in after, line
