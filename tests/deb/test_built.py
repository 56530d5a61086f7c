"""What is in the packages, before anything is installed."""

import subprocess

import pytest

from deb import packages


@pytest.fixture(scope="module")
def contents(built: None) -> dict[str, set[str]]:
    """The files of each package."""
    found = {}
    for name in packages.NAMES:
        [deb] = (packages.BUILT / packages.NOW).glob(f"{name}_*.deb")
        listed = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE, check=True).stdout
        names = subprocess.run(["tar", "--list"], input=listed, stdout=subprocess.PIPE, check=True).stdout.decode()
        found[name] = {name[1:] for name in names.splitlines() if not name.endswith("/")}
    return found


def test_built_twice_they_are_the_same_to_the_byte(built: None) -> None:
    again = packages.build(packages.AGAIN)
    for deb in sorted(again.glob("*.deb")):
        assert deb.read_bytes() == (packages.BUILT / packages.NOW / deb.name).read_bytes(), deb.name


def test_no_file_is_in_both_and_root_s_half_has_nothing_of_the_other(contents: dict[str, set[str]]) -> None:
    helper, heald = (contents[name] for name in packages.NAMES)
    assert not helper & heald
    assert {path for path in heald if path.startswith(("/usr/lib/heald/helper", "/usr/lib/heald/libexec"))} == set()
    assert {path for path in helper if path.startswith(("/usr/bin", "/usr/lib/heald/site"))} == set()


def test_nothing_is_vendored_and_nothing_is_compiled(contents: dict[str, set[str]]) -> None:
    inside = {path.split("/")[5] for paths in contents.values() for path in paths
              if path.startswith(("/usr/lib/heald/site/", "/usr/lib/heald/helper/"))}
    assert inside == {"heald", "heald_helper"}
    assert [path for paths in contents.values() for path in paths if path.endswith(".pyc")] == []
