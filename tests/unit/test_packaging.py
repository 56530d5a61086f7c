"""debian/ says what pyproject.toml says: the version, and what is imported from where."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = {paragraph.partition("\n")[0]: paragraph
            for paragraph in (ROOT / "debian/control").read_text().split("\nPackage: ")[1:]}


def depends(package: str) -> set[str]:
    """What the package depends on; the substitutions of debhelper too."""
    [found] = re.findall(r"^Depends: (.*(?:\n .*)*)", PACKAGES[package], re.MULTILINE)
    return {one.strip() for one in found.split(",")}


def test_the_version_is_the_one_of_pyproject() -> None:
    newest = (ROOT / "debian/changelog").read_text().partition("\n")[0]
    assert newest.startswith(f"heald ({PROJECT['version']}) ")


def test_heald_depends_on_debian_s_own_of_what_pyproject_names_in_the_versions_that_do() -> None:
    wanted = set()
    for dependency in PROJECT["dependencies"]:
        name, least = re.fullmatch(r"([\w-]+)(?:==|>=)([\d.]+).*", dependency).groups()     # type: ignore[union-attr]
        pinned = "==" in dependency         # Debian has had no other since bullseye
        wanted.add(f"python3-{name}" if pinned else f"python3-{name} (>= {least})")
    assert {one for one in depends("heald") if one.startswith("python3-")} == wanted


def test_what_root_runs_depends_on_python_dbus_next_and_polkit_and_nothing_else() -> None:
    assert depends("heald-helper") == {"polkitd (>= 122)", "python3-dbus-next", "${misc:Depends}", "${python3:Depends}"}


def test_only_who_uses_the_other_half_recommends_it() -> None:
    assert "\nRecommends: heald-helper\n" in PACKAGES["heald"]
    assert "Recommends:" not in PACKAGES["heald-helper"]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_maintainer_script_stops_or_starts_an_operation(package: str) -> None:
    """But where the package is removed."""
    for name in ("preinst", "postinst"):
        script = ROOT / f"debian/{package}.{name}"
        text = script.read_text() if script.exists() else ""
        assert set(re.findall(r"heald[\w@-]*\.service", text)) <= {"heald-helper.service", "heald-session.service"}
