"""make install into a DESTDIR, as a package is made: what lies where, what is left of the checkout's own paths."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "/opt/of-ours"
PYTHON = sys.executable
LAUNCH = """\
import sys
lines = open(sys.argv[1]).read().splitlines()
exec("\\n".join(line for line in lines if "main" not in line))
print(*sys.path, sys.modules["gi"])
"""


def install(what: str, destdir: Path, *more: str, prefix: str = PREFIX, wheels: Path | None = None) -> tuple[int, str]:
    """Exit code, and all that was printed."""
    command = [sys.executable, str(ROOT / "install/install.py"), what, f"--destdir={destdir}", f"--prefix={prefix}",
               f"--python={PYTHON}", f"--wheels={wheels or ROOT / 'wheelhouse'}", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def files(folder: Path) -> dict[str, Path]:
    """Every file below, by its path on the machine."""
    return {f"/{path.relative_to(folder)}": path for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation into a DESTDIR, with a PREFIX and a Python that are not the usual ones."""
    if not (ROOT / "wheelhouse").is_dir():
        pytest.skip("no wheelhouse: run `make wheels`")
    destdir = tmp_path_factory.mktemp("destdir")
    assert install("install", destdir)[0] == 0
    return destdir


def test_nothing_says_where_it_was_built_or_the_usual_prefix(tree: Path) -> None:
    ours = {path: file for path, file in files(tree).items() if "/site/" not in path or "/site/heald/" in path}
    for path, file in ours.items():
        content = file.read_bytes()
        assert os.fsencode(tree) not in content, path
        assert b"heald-install-" not in content, path
        assert b"/usr/lib/heald" not in content, path
        if not path.startswith(f"{PREFIX}/lib/heald/helper/dbus_next"):
            assert not re.search(rb"/usr/bin/(python3|heal)", content), path


def test_no_symlink_leads_out_of_the_installation(tree: Path) -> None:
    assert [path for path, file in files(tree).items() if file.is_symlink()] == []
    served = tree / f"{PREFIX[1:]}/lib/heald/helper/heald_helper/org.heald.Helper1.xml"
    assert served.read_text() == (ROOT / "dbus/org.heald.Helper1.xml").read_text()


def test_each_unit_is_installed_and_bus_and_polkit_files_stay_below_usr(tree: Path) -> None:
    installed = files(tree)
    for unit in ROOT.glob("systemd/heald*.service"):
        folder = "user" if unit.name == "heald-session.service" else "system"
        assert f"{PREFIX}/lib/systemd/{folder}/{unit.name}" in installed
    for contract in ROOT.glob("dbus/*.xml"):
        assert f"/usr/share/dbus-1/interfaces/{contract.name}" in installed
    for policy in ROOT.glob("polkit/*.policy"):
        assert f"/usr/share/polkit-1/actions/{policy.name}" in installed
    rules = {path for path in installed if path.startswith("/usr/share/polkit-1/rules.d/")}
    assert rules == {f"/usr/share/polkit-1/rules.d/{rule.name}" for rule in ROOT.glob("polkit/50-*.rules")}


def test_man_pages_and_completions_lie_where_they_are_looked_for(tree: Path) -> None:
    installed = files(tree)
    for page in ROOT.glob("man/*"):
        assert f"{PREFIX}/share/man/man{page.suffix[1:]}/{page.name}" in installed
    for path in ("bash-completion/completions/healctl", "fish/vendor_completions.d/healctl.fish",
                 "zsh/site-functions/_healctl", "zsh/vendor-completions/_healctl"):
        assert f"{PREFIX}/share/{path}" in installed


def test_the_helper_has_nothing_of_the_controller_and_all_is_compiled(tree: Path) -> None:
    helper = tree / f"{PREFIX[1:]}/lib/heald/helper"
    folders = {path.name for path in helper.iterdir() if not path.name.endswith(".dist-info")}
    assert folders == {"heald_helper", "dbus_next"}
    for module in (tree / f"{PREFIX[1:]}/lib/heald").rglob("*.py"):
        compiled = module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc"
        assert compiled.read_bytes()[4:8] == b"\x01\0\0\0", f"{module} is not compiled with an unchecked hash"


def test_the_manifest_is_all_that_is_there_and_uninstall_leaves_nothing(tree: Path, tmp_path: Path) -> None:
    manifest = (tree / f"{PREFIX[1:]}/lib/heald/manifest").read_text().splitlines()
    assert {line for line in manifest if not line.endswith("/")} == set(files(tree))
    assert install("install", tmp_path)[0] == 0
    stranger = tmp_path / "usr/share/polkit-1/actions/somebody.elses.policy"
    stranger.parent.mkdir(parents=True, exist_ok=True)
    stranger.write_text("")
    assert (tmp_path / "etc/heald").is_dir()            # ready for what a person writes
    assert install("uninstall", tmp_path) == (0, "")
    assert set(files(tmp_path)) == {"/usr/share/polkit-1/actions/somebody.elses.policy"}
    assert not (tmp_path / "opt").exists()
    assert not (tmp_path / "etc").exists()


def test_the_helper_without_root_is_put_in_place_and_taken_away_again(tree: Path, tmp_path: Path) -> None:
    assert install("install", tmp_path, "--own-user")[0] == 0
    assert files(tmp_path).keys() - files(tree).keys() == {
        "/usr/share/polkit-1/rules.d/60-heald-helper.rules",
        f"{PREFIX}/lib/systemd/system/heald-helper.service.d/own-user.conf"}
    assert install("install", tmp_path)[0] == 0         # and back again
    assert set(files(tmp_path)) == set(files(tree))
    assert not (tmp_path / f"{PREFIX[1:]}/lib/systemd/system/heald-helper.service.d").exists()


def test_an_upgrade_removes_what_the_new_version_has_not(tree: Path, tmp_path: Path) -> None:
    assert install("install", tmp_path)[0] == 0
    manifest = tmp_path / f"{PREFIX[1:]}/lib/heald/manifest"
    old = f"{PREFIX}/lib/heald/site/heald/gone/old.py"
    (tmp_path / old[1:]).parent.mkdir()
    (tmp_path / old[1:]).write_text("")
    manifest.write_text(f"{manifest.read_text()}{old}\n{Path(old).parent}/\n")
    assert install("install", tmp_path)[0] == 0
    assert not (tmp_path / old[1:]).parent.exists()
    assert old not in manifest.read_text()
    assert set(files(tmp_path)) == set(files(tree))


def test_for_a_package_what_the_distribution_has_is_not_brought_along(tree: Path, tmp_path: Path) -> None:
    site = str(tmp_path / "theirs")
    code, printed = install("install", tmp_path, f"--site={site}", wheels=Path("/nowhere"))
    assert code == 0, printed
    lib = f"{PREFIX}/lib/heald"
    inside = {path.split("/")[6] for path in files(tmp_path) if path.startswith((f"{lib}/site/", f"{lib}/helper/"))}
    assert inside == {"heald", "heald_helper"}
    ours = {path for path in files(tree) if not path.startswith((f"{lib}/site/", f"{lib}/helper/"))}
    assert {path for path in files(tmp_path) if not path.startswith((f"{lib}/site/", f"{lib}/helper/"))} == ours
    searched = subprocess.run([PYTHON, "-IS", "-c", LAUNCH, str(tmp_path / f"{lib[1:]}/heald-helper")], check=True,
                              capture_output=True, text=True).stdout.split()
    assert searched[0] == f"{lib}/helper"
    assert searched[-2:] == [site, "None"]


def test_purge_takes_configuration_and_history_from_the_destdir_alone(tmp_path: Path) -> None:
    for kept in ("etc/heald/heald.toml", "var/lib/heald/history.db", "var/lib/heald-helper/known-good", "etc/passwd"):
        (tmp_path / kept).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / kept).write_text("")
    assert install("purge", tmp_path) == (0, "")
    assert set(files(tmp_path)) == {"/etc/passwd"}


@pytest.mark.parametrize(("what", "prefix", "wheels", "says"), [
    ("install", PREFIX, Path("/nowhere"), "make install: /nowhere is missing: run `make wheels`"),
    ("install", "usr", Path("/nowhere"), "PREFIX=usr must begin with / and name a folder"),
    ("uninstall", PREFIX, Path("/nowhere"), "manifest is missing: nothing is installed below this PREFIX"),
])
def test_a_wrong_call_is_told_in_one_line_and_changes_nothing(
        tmp_path: Path, what: str, prefix: str, wheels: Path, says: str) -> None:
    code, printed = install(what, tmp_path, prefix=prefix, wheels=wheels)
    assert code
    assert says in printed
    assert "Traceback" not in printed
    assert list(tmp_path.iterdir()) == []
