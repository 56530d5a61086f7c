"""`healctl config check`: all mistakes at once, each with its file, line and key."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from heald import config
from heald.errors import HealdError
from heald.face import checking
from heald.mistakes import MistakeError, line, without

CONTROLLER = Path(__file__).resolve().parents[2] / "controller"
MANY = """\
mod = "auto"
"a.b" = 3

[sense]
interval = "30 apples"      # not a span

[thresholds]
disk-full = { percent = 120, fre = "1GiB" }
inodes-full = 90

[[rule]]
name = "x"
kind = "disk-ful"
ladder = [
  "service/start",
  "service/explode",
]

[[rule]]
kind = "disk-full"
mode = "loud"

[[rule]]
name = "service"
kind = "unit-failed"
for = 3

[[probe]]
unit = "a.service"
"""
FOUND = [
    (1, "mod"), (2, "a.b"), (5, "sense.interval"), (8, "thresholds.disk-full.percent"), (8, "thresholds.disk-full.fre"),
    (13, "rule[1].kind"), (14, "rule[1].ladder"), (19, "rule[2].name"), (21, "rule[2].mode"), (24, "rule[3].name"),
    (26, "rule[3].for"), (28, "probe[1]"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "heald.toml"


def found(file: Path) -> list[tuple[str, int | None, str | None]]:
    return [(Path(one["file"]).name, one["line"], one["key"])
            for one in checking.check(file, needed=True)["mistakes"]]


def test_every_mistake_is_told_once_with_its_line(file: Path) -> None:
    file.write_text(MANY)
    assert sorted(found(file)) == sorted(("heald.toml", number, key) for number, key in FOUND)
    numbers = [number for _, number, _ in found(file)]
    assert numbers == sorted(numbers)       # type: ignore[type-var]


def test_the_first_is_the_one_that_a_daemon_ends_with(file: Path) -> None:
    file.write_text(MANY)
    with pytest.raises(HealdError) as caught:
        config.load(file)
    assert str(caught.value) in [f"{one['file']}: {one['key']}: {one['problem']}"
                                 for one in checking.check(file, needed=True)["mistakes"]]


def test_drop_ins_are_read_in_their_order_and_one_that_does_not_parse_hides_no_other(file: Path) -> None:
    rule = '[[rule]]\nname = "one"\nkind = "disk-full"\n'
    file.write_text(rule)
    folder = file.with_name("heald.toml.d")
    folder.mkdir()
    (folder / "a.toml").write_text("[sense]\n\nmode =\n")
    (folder / "b.toml").write_text(f"{rule}[sense]\ninterval = 3\n")
    (folder / "c.toml").write_bytes(b"\xff\xfe")
    assert found(file) == [("a.toml", 3, None), ("b.toml", 2, "rule[1].name"), ("b.toml", 5, "sense.interval"),
                           ("c.toml", None, None)]


@pytest.mark.parametrize(("make", "problem"), [
    (lambda _: None, "there is no such file"), (lambda path: path.mkdir(), "cannot be read: Is a directory"),
])
def test_a_file_that_is_none(file: Path, make: object, problem: str) -> None:
    make(file)      # type: ignore[operator]
    assert checking.check(file, needed=True)["mistakes"][0] == {
        "file": str(file), "line": None, "key": None, "problem": problem}


@pytest.mark.parametrize(("name", "problem"), [
    ("x" * 300, "cannot be read: File name too long"), ("loop/x", "cannot be read: Too many levels of symbolic links"),
])
def test_a_path_that_leads_nowhere(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    told = checking.check(tmp_path / name, needed=True)["mistakes"]
    assert problem in [one["problem"] for one in told]


def test_nothing_is_wrong_with_nothing(file: Path) -> None:
    assert checking.check(file, needed=False) == {"version": 1, "files": [], "mistakes": []}


@pytest.mark.parametrize(("text", "key", "number"), [
    ("a = 1\n\n# b\nb = [\n  1,\n\n  2,\n]\nc = 3", "b", 4),
    ("a = 1\nb = '''\nc = 2\n'''\nc = 3", "c", 5),
    ("[x]\na = 1\n[x.y]\nb = 2", "x.y.b", 4),
    ("[x]\na = 1\n[x.y]\nb = 2", "x.z", 1),
    ("x.y.z = 1\nx.y.a = 2", "x.y.a", 2),
    ("[[r]]\n[[r]]\na = 1\n[[r]]\na = 1", "r[3].a", 5),
    ("[[r]]\n[[r]]\na = 1\n[[r]]\na = 1", "r[1].a", 1),
    ("[[r]]\n[[r]]\na = 1\n", "r[9].a", None),
    ('"x\\ny" = 1\n"x.z" = 2', "x.z", 2),
    ("a = 1", "b", None),
    ("a =", "a", None),
])
def test_the_line_of_a_key(text: str, key: str, number: int | None) -> None:
    assert line(text, MistakeError("f", key, "is wrong")) == number


def test_what_is_left_out_shifts_nothing() -> None:
    assert without({"r": [{"a": 1}, {"b": 2}], "x": {"y": 1, "z": 2}}, ["r[1]", "r[2].b", "x.y", "q", "x.q.p"]) == {
        "r": [None, {}]}
    assert without({"a": 1}, [""]) == {}


def test_a_long_file_takes_no_time_that_grows_with_its_square(file: Path) -> None:
    """The lines are looked for by halves: 3,000 of them, and a mistake in the last."""
    file.write_text("".join(f'[[rule]]\nname = "{n}"\nkind = "disk-full"\n' for n in range(1000)) + "[sense]\nx = 1\n")
    assert found(file) == [("heald.toml", 3002, "sense.x")]


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    program = f"import sys; sys.argv = ['healctl', *{words!r}]; from heald.face.cli import main; main()"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env={
        "PYTHONPATH": str(CONTROLLER), "PATH": "/nonexistent", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"})


def test_a_person_gets_a_line_for_each_and_a_program_its_document(file: Path) -> None:
    file.write_text("mode = 'loud'\n[sense]\nevery = 3\n")
    done = run("config", "check", str(file))
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.splitlines() == [
        f'{file}:1: mode: "loud" is not one of observe, ask, auto',
        f"{file}:3: sense.every: unknown key; known are interval"]
    shown = run("config", "check", str(file), "--json")
    assert shown.returncode == 2
    assert json.loads(shown.stdout)["mistakes"][1] == {
        "file": str(file), "line": 3, "key": "sense.every", "problem": "unknown key; known are interval"}
    file.write_text("mode = 'ask'\n")
    done = run("config", "check", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file}: as it should be\n", "")
