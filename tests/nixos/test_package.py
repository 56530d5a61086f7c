"""nix/package.nix, really built: what lies where, what each half drags along, what is left of the usual places."""

import re
import subprocess
import tomllib
from pathlib import Path

from nixos.conftest import ROOT, Nix

USUAL = re.compile(r"(?<![\w./-])/(?:usr|bin|lib)/[\w./@-]*")
STAYS = {
    "heald-clean-packages.service": {"/usr/bin/apt-get", "/usr/bin/dnf"},   # it has nothing to do where they are not
    "heald-restore-permissions.service": {"/usr/lib/tmpfiles.d/zz-heald.conf"},     # a name for an order, no file
    "org.heald.Helper1.service": {"/bin/false"},        # systemd starts the helper, nobody runs this
}
"""What files may say of a machine that is no NixOS."""
LIBEXEC = {"/usr/bin/python3", "/usr/lib/heald"}
"""What the programs of the operations' units must not say."""


def helper_of(nix: Nix, heald: Path) -> Path:
    [helper] = [path for path in nix.run("nix-store", "--query", "--references", str(heald)).stdout.split()
                if "heald-helper" in path]
    return Path(helper)


def relative(folder: Path) -> set[str]:
    """Every file below that somebody wrote."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def test_the_helper_drags_python_dbus_next_and_nothing_else_along(nix: Nix, heald: Path) -> None:
    helper = helper_of(nix, heald)
    closure = nix.run("nix-store", "--query", "--requisites", str(helper)).stdout.split()
    names = {path.rpartition("/")[2].partition("-")[2] for path in closure}
    assert names == {"python3", "dbus-next", helper.name.partition("-")[2]}


def test_what_the_controller_needs_is_what_pyproject_says(nix: Nix, heald: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=]", one)[0] for one in project["dependencies"]}
    [given] = re.findall(r"dependencies = with python3Packages; \[ (.*?) \]", (ROOT / "nix/package.nix").read_text())
    assert set(given.split()) == wanted
    names = {path.rpartition("/")[2].partition("-")[2] for path in
             nix.run("nix-store", "--query", "--references", str(heald)).stdout.split()}
    assert wanted <= names
    assert f"heald-{project['version']}" in names


def test_all_that_make_install_brings_is_there(nix: Nix, heald: Path, tmp_path: Path) -> None:
    subprocess.run(["/usr/bin/python3", str(ROOT / "install/install.py"), "install", f"--destdir={tmp_path}",
                    "--prefix=/usr", f"--wheels={ROOT / 'wheelhouse'}"], check=True, capture_output=True)
    installed = {path for path in relative(tmp_path / "usr") if not re.match(
        r"lib/heald/(manifest|(site|helper)/(?!heald/|heald_helper/))", path)}
    assert relative(heald) | relative(helper_of(nix, heald)) == installed
    for path in installed:
        there = [part / path for part in (heald, helper_of(nix, heald)) if (part / path).exists()]
        assert len(there) == 1, path
        assert there[0].stat().st_mode & 0o111 == (tmp_path / "usr" / path).stat().st_mode & 0o111


def test_nothing_is_left_of_the_usual_places(nix: Nix, heald: Path) -> None:
    helper = helper_of(nix, heald)
    units = [*heald.glob("lib/systemd/**/*.*"), *heald.glob("share/dbus-1/system-services/*"), *heald.glob("bin/*"),
             helper / "lib/heald/heald-helper"]
    for file in (file for file in units if file.is_file()):
        said = {found for line in file.read_text().splitlines() if not line.startswith(
            ("#", "BindReadOnlyPaths=-", "ReadOnlyPaths=", "ReadWritePaths=", "InaccessiblePaths="))
            for found in USUAL.findall(line)}
        assert said == STAYS.get(file.name, set()), file.name
    for program in helper.glob("lib/heald/libexec/*"):
        text = program.read_text()
        assert text.startswith(f"#!{nix.folder}/store/"), program
        assert not [path for path in LIBEXEC if path in text], program
    for file in (path for part in (heald, helper) for path in part.rglob("*") if path.is_file()):
        content = file.read_bytes()
        assert b"@PREFIX@" not in content, file
        assert b"/build/" not in content, file


def test_what_a_unit_starts_is_there(nix: Nix, heald: Path) -> None:
    begun = [found for unit in heald.glob("lib/systemd/system/*.service")
             for found in re.findall(r"^Exec\w+=[-+]?(/\S+)", unit.read_text(), re.MULTILINE)]
    assert len(begun) > 5
    for program in begun:
        assert Path(program).stat().st_mode & 0o111, program
    for unit, key in (("heald", "ExecPaths"), ("heald-helper", "BindReadOnlyPaths")):
        text = (heald / f"lib/systemd/system/{unit}.service").read_text()
        assert re.findall(rf"^{key}=(/\S+)", text, re.MULTILINE) == [f"{nix.folder}/store"]


def test_the_programs_start(nix: Nix, heald: Path) -> None:
    for command, code, said in (
        ([str(heald / "bin/healctl"), "--version"], 0, "healctl "),
        ([str(heald / "bin/healctl"), "rules"], 0, "1. service (built-in)"),
        ([str(heald / "bin/heald"), "--version"], 0, "heald "),
        ([str(helper_of(nix, heald) / "lib/heald/heald-helper")], 1, "heald-helper: [Errno 2]"),
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/",
                              env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"})
        assert (done.returncode, (done.stdout + done.stderr)[:len(said)]) == (code, said)
