"""The house holds together: who may import whom, how long a file is, what a command loads."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dbus_next
import pytest

import heald
import heald_helper
import version

ROOT = Path(__file__).resolve().parents[2]
CONTROLLER = ROOT / "controller" / "heald"
HELPER = ROOT / "helper" / "heald_helper"
SHIPPED = [*CONTROLLER.rglob("*.py"), *HELPER.rglob("*.py")]

PURE = ("model", "readings", "kinds", "detector", "resolver", "standback", "incidents", "bonds", "causes", "judgement",
         "quantities", "written", "settings", "document", "thresholds", "levels", "gauges", "probes", "telling",
         "listen", "day", "notices", "copies", "keeping", "mistakes", "fleet",
         "face/picture", "face/view", "face/drawing")
NO_IO = {"asyncio", "dbus_next", "os", "pathlib", "psutil", "socket", "sqlite3", "subprocess", "sys", "time"}

FLOORS = [
    {"errors", "quantities", "written", "clock", "mounts", "notify", "paths", "triggers"},
    {"readings", "mistakes"},
    {"model"},
    {"thresholds", "levels", "probes", "listen", "telling", "copies", "keeping", "fleet", "journald"},
    {"settings", "document"},
    {"gauges", "bonds"},
    {"kinds"},
    {"config", "detector"},
    {"causes", "incidents", "standback", "stories", "records", "pauses", "sensors", "bus", "rsync", "backup",
     "tally", "past", "prometheus"},
    {"resolver", "judgement", "executor", "history", "senses", "day", "retention"},
    {"notes", "brake"},
    {"repairs"},
    {"engine", "lifting", "homes", "notices", "witness", "alerts"},
    {"desktop"},
    {"daemon", "face"},
]
"""Imports run one way: a floor may use those above it in this list, and itself."""


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a file imports, relative ones made absolute."""
    top = next((half for half in (CONTROLLER, HELPER) if file.is_relative_to(half)), file)
    package = [top.name, *file.relative_to(top).parts[:-1]]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def floor_of(name: str) -> int:
    return next(i for i, floor in enumerate(FLOORS) if name in floor)


@pytest.mark.parametrize("name", PURE)
def test_the_pure_layers_import_no_io(name: str) -> None:
    tops = {module.partition(".")[0] for module in imported(CONTROLLER / f"{name}.py")}
    assert not tops & NO_IO


@pytest.mark.parametrize("file", sorted(CONTROLLER.rglob("*.py")), ids=lambda p: str(p.relative_to(CONTROLLER)))
def test_imports_run_one_way(file: Path) -> None:
    here = file.relative_to(CONTROLLER).parts[0].removesuffix(".py")
    if here == "__init__":
        return
    for module in imported(file):
        parts = module.split(".")
        if parts[0] == "heald" and len(parts) > 1 and parts[1] != "__version__":
            assert floor_of(parts[1]) <= floor_of(here), f"{file.name} imports {module}"


@pytest.mark.parametrize("file", SHIPPED, ids=lambda p: p.name)
def test_nothing_crosses_the_halves(file: Path) -> None:
    other = "heald_helper" if file.is_relative_to(CONTROLLER) else "heald"
    assert other not in {module.partition(".")[0] for module in imported(file)}


@pytest.mark.parametrize("file", sorted(HELPER.glob("*.py")), ids=lambda p: p.name)
def test_root_imports_the_standard_library_and_itself_and_dbus_next_in_one_place(file: Path) -> None:
    tops = {module.partition(".")[0] for module in imported(file)} - sys.stdlib_module_names - {"heald_helper"}
    assert tops == ({"dbus_next"} if file.name == "codec.py" else set())


def test_what_root_has_loaded_is_the_standard_library_itself_and_dbus_next() -> None:
    """As its launcher starts it: without the site packages, for dbus_next would import what it finds of GLib there."""
    program = (
        f"import sys; sys.path[:0] = {[str(ROOT / 'helper'), str(Path(dbus_next.__file__).parents[1])]!r}\n"
        "before = set(sys.modules); import heald_helper.__main__\n"
        "print(' '.join({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - sys.stdlib_module_names == {"heald_helper", "dbus_next"}


@pytest.mark.parametrize("program", sorted((ROOT / "systemd/libexec").iterdir()), ids=lambda p: p.name)
def test_what_an_operation_s_unit_runs_imports_the_standard_library_alone(program: Path) -> None:
    modules = {module.partition(".")[0] for module in imported(program)}
    assert modules <= sys.stdlib_module_names


def test_only_the_bus_folder_knows_dbus_next() -> None:
    users = {f.parent for f in CONTROLLER.rglob("*.py") for m in imported(f) if m.partition(".")[0] == "dbus_next"}
    assert users == {CONTROLLER / "bus"}


@pytest.mark.parametrize("file", [*SHIPPED, *(ROOT / "tests").rglob("*.py"), *(ROOT / "install").glob("*")],
                         ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_has_fewer_than_250_lines(file: Path) -> None:
    assert file.is_dir() or len(file.read_text().splitlines()) < 250


def test_there_is_no_catch_all() -> None:
    assert not [p for p in ROOT.rglob("util*.py") if not {".venv", "build"} & set(p.parts)]


def test_the_version_is_that_of_pyproject_toml() -> None:
    for file in version.FILES:
        assert version.written(file.read_text()) == file.read_text(), "run: python tests/version.py"
    assert heald.__version__ == heald_helper.__version__ == version.VERSION
    assert re.search(r"^## (\d\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == version.VERSION  # type: ignore[index]


@pytest.mark.parametrize(("command", "not_loaded"), [
    (["--version"], {"asyncio", "dbus_next", "sqlite3", "psutil", "heald.engine"}),
    (["config", "check"], {"asyncio", "dbus_next", "sqlite3", "psutil", "heald.engine"}),
    (["rules"], {"asyncio", "dbus_next", "sqlite3", "psutil", "heald.engine"}),
    (["status", "--short"], {"sqlite3", "psutil", "heald.engine", "heald.config"}),
    (["why", "0"], {"psutil", "heald.engine", "heald.config"}),
])
def test_a_command_loads_what_it_needs(command: list[str], not_loaded: set[str]) -> None:
    program = (
        "import sys; from heald.face.cli import main\n"
        f"sys.argv = ['healctl', *{command!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(ROOT / "controller"), "PATH": "/usr/bin:/bin"})
    assert not set(done.stdout.splitlines()[-1].split()) & not_loaded


def test_the_daemon_loads_nothing_that_serves_metrics_before_somebody_wants_them() -> None:
    done = subprocess.run([sys.executable, "-c", "import sys, heald.daemon; print(*sys.modules)"], capture_output=True,
                          text=True, check=True, env={"PYTHONPATH": str(ROOT / "controller"), "PATH": "/usr/bin:/bin"})
    assert not set(done.stdout.split()) & {"prometheus_client", "http", "html", "heald.brake", "heald.prometheus", *(
        f"heald.face.{name}" for name in ("endpoint", "exposition", "page", "web"))}
