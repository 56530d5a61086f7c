#!/usr/bin/python3
"""Installs heald from the checkout, or takes it away again: `install.py install|uninstall|purge`.

    --prefix    /usr (default), /usr/local, …: where programs, units and libraries go
    --destdir   put before every path, for packages; empty (default) is this machine, whose systemd and bus are told
    --python    the interpreter that the installed programs start with; its pip installs the dependencies
    --own-user  the helper runs as _heald-helper instead of root
    --wheels    the folder that `make wheels` filled: no network is used
    --site      instead of wheels, the folder of the distribution's own packages, for packages that depend on those

Everything is first built in a staging folder and then moved file by file, so that an installation over an older one
is an upgrade: what the older one had and this one has not is removed. A manifest records every file and folder made.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import layout
import running


class InstallError(Exception):
    """Told in one line: what went wrong and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Install or remove heald.")
    parser.add_argument("what", choices=("install", "uninstall", "purge"))
    parser.add_argument("--prefix", default="/usr")
    parser.add_argument("--destdir", default="")
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--own-user", action="store_true")
    parser.add_argument("--wheels", type=Path, default=layout.SOURCE / "wheelhouse")
    parser.add_argument("--site", action="append", default=[])
    chosen = parser.parse_args()
    prefix, destdir = chosen.prefix.rstrip("/"), chosen.destdir.rstrip("/")
    if not prefix.startswith("/"):
        parser.error(f"PREFIX={chosen.prefix} must begin with / and name a folder, for instance /usr/local")
    try:
        if chosen.what == "install":
            install(prefix, destdir, chosen.python, chosen.wheels, chosen.site, own_user=chosen.own_user)
        else:
            uninstall(prefix, destdir, purge=chosen.what == "purge")
    except (InstallError, running.CommandFailedError) as why:
        sys.stderr.write(f"make {chosen.what}: {why}\n")
        return 1
    except PermissionError as why:
        sys.stderr.write(f"make {chosen.what}: {why.filename}: {why.strerror}; run it as root, or with a DESTDIR\n")
        return 1
    return 0


def install(prefix: str, destdir: str, python: str, wheels: Path, site: list[str], *, own_user: bool) -> None:
    """Builds the tree, moves it into place, and tells the running machine, if it is the target."""
    if not site and not wheels.is_dir():
        raise InstallError(f"{wheels} is missing: run `make wheels`, which needs a package index")
    check_ours(destdir, "remove", "keeps your configuration")
    with tempfile.TemporaryDirectory(prefix="heald-install-") as stage:
        build(Path(stage), prefix, python, wheels, site, own_user=own_user)
        move(Path(stage), prefix, destdir)
    sys.stdout.write(f"heald is installed below {destdir}{prefix}.\n")
    if not destdir:
        running.tell_installed()
        sys.stdout.write("To start it, now and at every boot: systemctl enable --now heald.service\n"
                         "In everyone's desktop session too: systemctl --global enable heald-session.service\n")


def check_ours(destdir: str, verb: str, effect: str) -> None:
    """InstallError where Debian's packages own what is on this machine."""
    if not destdir and (theirs := running.packaged()):
        raise InstallError(f"these files are a package's: apt {verb} {' '.join(theirs)} {effect}")


def build(stage: Path, prefix: str, python: str, wheels: Path, site: list[str], *, own_user: bool) -> None:
    """The whole tree below `stage`, as it shall lie below DESTDIR."""
    for lock, into in layout.LOCKS.items():
        if not site:
            unpack(wheels, python, layout.SOURCE / lock, Path(f"{stage}{into.format(prefix=prefix)}"))
    for path, text, mode in layout.contents(prefix, python, own_user=own_user, site=site):
        write(Path(f"{stage}{path}"), text, mode)
    lib = Path(f"{stage}{prefix}/lib/heald")
    # Unchecked: a compiled file is used as it is, so a start reads and checks no source.
    running.run([python, "-I", "-m", "compileall", "-q", "-s", str(stage), "-p", "/",
                 "--invalidation-mode=unchecked-hash", str(lib / "site"), str(lib / "helper")])


def unpack(wheels: Path, python: str, lock: Path, into: Path) -> None:
    """What the lock names, of the wheels whose hashes it has."""
    running.run([python, "-I", "-m", "pip", "install", "--quiet", "--isolated", "--no-index", "--require-hashes",
                 "--no-compile", "--only-binary=:all:", "--disable-pip-version-check", "--root-user-action=ignore",
                 f"--find-links={wheels}", f"--requirement={lock}", f"--target={into}"],
                env={**os.environ, "PIP_CONFIG_FILE": os.devnull})
    shutil.rmtree(into / "bin", ignore_errors=True)     # commands of the dependencies: they name the staging folder


def write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def move(stage: Path, prefix: str, destdir: str) -> None:
    """Moves every file to its place, removes what an older installation had more, and writes the manifest."""
    manifest = Path(f"{destdir}{layout.MANIFEST.format(prefix=prefix)}")
    before = read_manifest(manifest)
    new = sorted(str(Path("/") / path.relative_to(stage)) for path in stage.rglob("*") if path.is_file())
    made = {line for line in before if line.endswith("/")}
    for path in new:
        made |= make_folders(Path(f"{destdir}{path}").parent, destdir)
        replace(Path(f"{stage}{path}"), Path(f"{destdir}{path}"))
    made |= make_folders(Path(f"{destdir}{layout.CONFIGURATION}"), destdir)
    remove((set(before) - set(new) - made), destdir)
    own = str(manifest)[len(destdir):]
    replace_text(manifest, "".join(f"{line}\n" for line in sorted({*new, *made, own})))
    remove({folder for folder in made - {f"{layout.CONFIGURATION}/"}
            if not any(Path(f"{destdir}{folder}").iterdir())}, destdir)


def make_folders(folder: Path, destdir: str) -> set[str]:
    """Makes a folder and those above it; returns the ones that were not there, each ending with a slash."""
    made = set()
    for path in reversed([folder, *folder.parents]):
        if not path.exists():
            path.mkdir(mode=0o755)
            if str(path).startswith(f"{destdir}/"):
                made.add(f"{str(path)[len(destdir):]}/")
    return made


def replace(source: Path, path: Path) -> None:
    """Puts a file in place in one step: a program that runs keeps the old one."""
    beside = path.with_name(f".{path.name}.new")
    shutil.copyfile(source, beside)
    beside.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    beside.replace(path)


def replace_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.chmod(0o644)
    beside.replace(path)


def read_manifest(manifest: Path) -> list[str]:
    """Absolute paths without DESTDIR, folders with a slash at the end; none where nothing is installed."""
    return manifest.read_text().splitlines() if manifest.exists() else []


def remove(lines: set[str], destdir: str) -> None:
    """Removes files, then folders that are empty, the deepest first."""
    for line in sorted(lines, reverse=True):
        path = Path(f"{destdir}{line}")
        if not line.endswith("/"):
            path.unlink(missing_ok=True)
    for line in sorted((line for line in lines if line.endswith("/")), reverse=True):
        path = Path(f"{destdir}{line}")
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def uninstall(prefix: str, destdir: str, *, purge: bool) -> None:
    """Stops heald and removes what the manifest records; `purge` also removes configuration, history and counts."""
    check_ours(destdir, *(("purge", "takes your configuration") if purge else ("remove", "keeps your configuration")))
    manifest = Path(f"{destdir}{layout.MANIFEST.format(prefix=prefix)}")
    lines = read_manifest(manifest)
    if not lines and not purge:
        raise InstallError(f"{manifest} is missing: nothing is installed below this PREFIX")
    if not destdir:
        running.stop_sessions(_below(f"{prefix}/lib/systemd/user/", lines))
        running.stop(_below(f"{prefix}/lib/systemd/system/", lines))
    remove(set(lines), destdir)
    folders = layout.STATE if purge else layout.VOLATILE
    for folder in folders:
        shutil.rmtree(f"{destdir}{folder}", ignore_errors=True)
    if not destdir:
        running.tell_removed()


def _below(folder: str, lines: list[str]) -> list[str]:
    """The names of the units in a folder of systemd's."""
    return [line.removeprefix(folder) for line in lines if line.startswith(folder) and line != folder]


if __name__ == "__main__":
    sys.exit(main())
