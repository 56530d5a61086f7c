"""The house holds together: who may import whom, how long a file is, what a command loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTROLLER = ROOT / "controller" / "heald"
HELPER = ROOT / "helper" / "heald_helper"
SHIPPED = [*CONTROLLER.rglob("*.py"), *HELPER.rglob("*.py")]

PURE = ("model", "detector", "resolver", "standback", "incidents", "quantities", "settings", "document")
NO_IO = {"asyncio", "dbus_next", "os", "pathlib", "psutil", "socket", "sqlite3", "subprocess", "sys", "time"}

FLOORS = [
    {"errors", "quantities", "clock", "notify"},
    {"model"},
    {"settings", "document"},
    {"config", "detector"},
    {"incidents", "standback", "records", "sensors", "bus"},
    {"resolver", "executor", "history", "senses"},
    {"engine"},
    {"daemon", "face"},
]
"""Imports run one way: a floor may use those above it in this list, and itself."""


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a file imports, relative ones made absolute."""
    package = list(file.relative_to(file.parents[len(file.parts) - 1 - _depth(file)]).parts[:-1])
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[:len(package) - node.level + 1]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _depth(file: Path) -> int:
    return next(i for i, part in enumerate(file.parts) if part in {"heald", "heald_helper"} and i > 0
                and file.parts[i - 1] in {"controller", "helper"}) - 1


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


def test_only_the_bus_folder_knows_dbus_next() -> None:
    users = {f.parent for f in CONTROLLER.rglob("*.py") for m in imported(f) if m.partition(".")[0] == "dbus_next"}
    assert users == {CONTROLLER / "bus"}


@pytest.mark.parametrize("file", [*SHIPPED, *(ROOT / "tests").rglob("*.py"), *(ROOT / "install").glob("*")],
                         ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_has_fewer_than_250_lines(file: Path) -> None:
    assert file.is_dir() or len(file.read_text().splitlines()) < 250


def test_there_is_no_catch_all() -> None:
    assert not [p for p in ROOT.rglob("util*.py") if ".venv" not in p.parts]


def test_one_version() -> None:
    import tomllib

    import heald
    import heald_helper

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert heald.__version__ == heald_helper.__version__ == project["version"]


@pytest.mark.parametrize(("command", "not_loaded"), [
    (["--version"], {"asyncio", "dbus_next", "sqlite3", "psutil", "heald.engine"}),
    (["rules"], {"asyncio", "dbus_next", "sqlite3", "psutil", "heald.engine"}),
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
