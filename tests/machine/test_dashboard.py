"""`healctl dashboard` at a real terminal beside a real daemon: what it shows, its keys, and how it leaves."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from machine import product
from machine.healctl import break_unit, document, healctl
from machine.machine import Machine
from machine.terminal import Terminal, terminal

PASSWORD = "correct horse"      # noqa: S105  of a user that exists for this test alone
OBSERVE = """\
mode = "observe"
[[rule]]
name = "quick"
kind = "unit-failed"
settle = "1s"
ladder = ["service/start"]
"""
OURS, PLAIN, CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
BUS = "unix:path=/run/own-bus"
DEBIAN_S_LIBRARIES = """\
import sys; sys.path[:0] = ["/usr/src/heald/controller"]; import dbus_next, psutil, rich, typer
assert {m.__path__[0].split("/")[3] for m in (dbus_next, psutil, rich, typer)} == {"python3"}
from heald.face.cli import main; sys.exit(main())
"""

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("clean")]


@contextmanager
def dashboard(machine: Machine, user: str | None = None, *, program: tuple[str, ...] = ("healctl",),
              **environment: str) -> Iterator[Terminal]:
    """Ctrl-C reaches the command alone, not what the machine is entered with. In the end the terminal is as it was."""
    given = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm", "HOME": "/tmp", **environment}
    command = ["env", "--ignore-signal=INT", *machine.enter(user), "env", "-i", "--default-signal=INT",
               *(f"{name}={value}" for name, value in given.items()), *program, "dashboard"]
    with terminal(command, (24, 80)) as screen:
        before = screen.modes
        screen.wait_for(OURS)
        yield screen
        shown = screen.read_to_end()
        assert screen.modes == before
    assert shown.count(OURS) == shown.count(PLAIN)
    assert CURSOR in shown[shown.rindex(OURS):]
    assert "Traceback" not in shown


def press(screen: Terminal, key: str, *shows: str) -> None:
    """Types a key and waits until all of this is shown once more."""
    before = {words: screen.shown.count(words) for words in shows}
    screen.type(key)
    for words, count in before.items():
        screen.wait_for(words, times=count + 1)


def test_every_key_does_what_it_says(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", OBSERVE)
    machine.run("systemctl", "start", "heald.service")
    break_unit(machine, "shop.service")
    product.wait_until(lambda: healctl(machine, "status").returncode == 1, "the daemon has seen it")
    with dashboard(machine) as screen:
        screen.wait_for("health 80")
        screen.wait_for("shop.service is failed (signal)")
        screen.wait_for("observed: ")
        press(screen, "?", "repair it now, as you")
        press(screen, "\x1b", "What is wrong: 1")
        press(screen, "s", "ended by  a person", "rule      quick")
        press(screen, "j" * 60, "What to do next")
        press(screen, "\x1b", "What is wrong: 1")
        press(screen, "p", "healctl pause shop.service 1h", "p resume")
        assert [one["subject"] for one in document(healctl(machine, "status", "--json"))["paused"]] == ["shop.service"]
        press(screen, "p", "healctl resume shop.service", "p pause 1h")
        assert document(healctl(machine, "status", "--json"))["paused"] == []
        press(screen, "r", "service/start shop.service  done", "nothing is wrong", "Press a key to go back")
        assert product.state(machine, "shop.service") == "active"
        press(screen, "x", "What is wrong: nothing")
        press(screen, "r", "Nothing is wrong, so there is nothing to do")
        screen.resize(40, 150)
        screen.wait_for(" │ ")
        screen.type("q")
    assert screen.code == 0


def test_a_person_types_a_password_between_two_pictures(machine: Machine) -> None:
    machine.run("useradd", "--create-home", "--shell=/bin/sh", "alice")
    machine.run("chpasswd", stdin=f"alice:{PASSWORD}\n")
    machine.run("gpasswd", "--members=alice", "sudo")
    machine.write("/etc/heald/heald.toml", OBSERVE)
    machine.run("systemctl", "start", "heald.service")
    break_unit(machine, "shop.service")
    with dashboard(machine, "alice", HOME="/home/alice") as screen:
        screen.wait_for("shop.service is failed (signal)")
        screen.wait_for("observed: ")
        press(screen, "r", "Password:")
        screen.type_secretly(PASSWORD)
        screen.wait_for("Press a key to go back")
        press(screen, " ", "What is wrong: nothing")
        screen.type("q")
    assert screen.code == 0
    assert product.state(machine, "shop.service") == "active"


def test_a_daemon_comes_heals_and_goes(machine: Machine) -> None:
    with dashboard(machine) as screen:
        screen.wait_for("heald is not running")
        machine.run("systemctl", "start", "heald.service")
        screen.wait_for("health 100")
        screen.wait_for("heald is there")
        product.add_service(machine, "mill.service")
        machine.run("systemctl", "kill", "--signal=KILL", "mill.service")
        screen.wait_for("opened: unit-failed mill.service")
        screen.wait_for("ended: service/start mill.service done")
        screen.wait_for("healed: unit-failed mill.service")
        machine.run("systemctl", "stop", "heald.service")
        screen.wait_for("heald has gone")
        screen.type("q")
    assert screen.code == 0


def test_ctrl_c_at_long_work_comes_back_to_the_dashboard(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", OBSERVE)
    machine.run("systemctl", "start", "heald.service")
    machine.write("/run/seconds", "0")
    product.add_service(machine, "slow.service", service="ExecStartPre=/bin/sh -c 'sleep $(cat /run/seconds)'")
    product.kill(machine, "slow.service")
    machine.write("/run/seconds", "80")
    with dashboard(machine) as screen:
        screen.wait_for("slow.service is failed (signal)")
        screen.wait_for("observed: ")
        press(screen, "r", "\rservice/start slow.service  ")
        press(screen, "\x03", "service/start slow.service goes on without you", "Press a key to go back")
        press(screen, " ", "What is wrong: 1")
        screen.type("q")
    assert screen.code == 0
    assert product.state(machine, "slow.service") == "activating"
    machine.run("systemctl", "stop", "slow.service")


def test_debian_s_own_libraries_draw_it_too(machine: Machine) -> None:
    machine.run("systemctl", "start", "heald.service")
    with dashboard(machine, program=("/usr/bin/python3", "-I", "-c", DEBIAN_S_LIBRARIES)) as screen:
        screen.wait_for("health 100")
        screen.wait_for("What is wrong: nothing")
        screen.type("q")
    assert screen.code == 0


@pytest.mark.parametrize(("ends", "code"), [("\x03", 130), ("TERM", 143), ("HUP", 129)])
def test_the_terminal_is_given_back_however_it_ends(machine: Machine, ends: str, code: int) -> None:
    with dashboard(machine) as screen:
        screen.wait_for("What is wrong")
        if ends == "\x03":
            screen.type(ends)
        else:
            machine.run("pkill", f"--signal={ends}", "--full", "healctl dashboard")
    assert screen.code == code


def test_a_bus_that_is_lost_is_told_on_the_plain_terminal(machine: Machine) -> None:
    machine.run("systemd-run", "--quiet", "--unit=own-bus", "dbus-daemon", "--session", "--nofork", f"--address={BUS}")
    product.wait_until(lambda: machine.exists(BUS.partition("=")[2]), "there is a bus of our own")
    with dashboard(machine, DBUS_SYSTEM_BUS_ADDRESS=BUS) as screen:
        screen.wait_for("heald is not running")
        machine.run("systemctl", "stop", "own-bus.service")
        screen.wait_for("healctl: the connection to the system bus was lost")
    assert screen.code == 4


@pytest.mark.parametrize(("lang", "lc_all", "plain"), [("C", "", True), ("C.UTF-8", "C", True), ("C.UTF-8", "", False)])
def test_a_terminal_without_unicode_gets_ascii(machine: Machine, lang: str, lc_all: str, plain: bool) -> None:
    with dashboard(machine, LANG=lang, LC_ALL=lc_all, NO_COLOR="1") as screen:
        screen.wait_for("What is wrong")
        screen.wait_for("cpu")
        screen.type("q")
    assert screen.shown.isascii() is plain
    assert "\x1b[31m" not in screen.shown


def test_where_nobody_looks_it_is_the_status(machine: Machine) -> None:
    machine.run("systemctl", "start", "heald.service")
    for environment in ({}, {"TERM": "dumb"}):
        done = healctl(machine, "dashboard", **environment)
        assert (done.returncode, done.stdout) == (0, healctl(machine, "status").stdout)
    assert document(healctl(machine, "dashboard", "--json")) == document(healctl(machine, "status", "--json"))
    machine.run("systemctl", "stop", "heald.service")
    assert healctl(machine, "dashboard").returncode == 4


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_words_have_colours_where_somebody_wants_them(machine: Machine, no_color: str, coloured: bool) -> None:
    break_unit(machine, "shop.service")
    environment = ["env", "-i", "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TERM=xterm", f"NO_COLOR={no_color}"]
    with terminal([*machine.enter(), *environment, "healctl", "check"]) as screen:
        shown = screen.read_to_end()
    assert "high" in shown
    assert ("\x1b[31m" in shown) is coloured
