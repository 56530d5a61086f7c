"""A person pauses one subject: with leave, until its end or another word, over a restart of the daemon."""

import pytest

from machine import product
from machine.healctl import break_unit, document, healctl
from machine.machine import Machine
from machine.terminal import terminal

PASSWORD = "correct horse"      # noqa: S105  of a user that exists for this test alone
CALL = ("busctl", "call", "org.heald.Controller1", "/org/heald/Controller1", "org.heald.Controller1")


@pytest.fixture(autouse=True)
def daemon(machine: Machine, clean: None) -> None:
    machine.run("rm", "-f", "/var/lib/heald/paused.json")
    machine.write("/etc/heald/heald.toml", '[sense]\ninterval = "1s"\n')
    machine.run("systemctl", "start", "heald.service")


def paused(machine: Machine) -> list[str]:
    return [one["subject"] for one in document(healctl(machine, "status", "--json"))["paused"]]


def wait_for(machine: Machine, subject: str, outcome: str) -> dict[str, str]:
    def found() -> list[dict[str, str]]:
        known = document(healctl(machine, "history", "--json"))["incidents"]
        return [one for one in known if (one["subject"], one["outcome"]) == (subject, outcome)]
    product.wait_until(lambda: bool(found()), f"{subject} is {outcome}")
    return found()[0]


def test_what_is_paused_is_left_alone_until_somebody_resumes(machine: Machine) -> None:
    done = healctl(machine, "pause", "shop.service", "2h")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("shop.service is paused until ")
    break_unit(machine, "shop.service")
    break_unit(machine, "mill.service")
    assert wait_for(machine, "shop.service", "stood-back")["reason"].startswith("paused: by a person until 2")
    wait_for(machine, "mill.service", "healed")
    assert "paused: shop.service until " in healctl(machine, "status").stdout
    machine.run("systemctl", "kill", "--signal=KILL", "heald.service")
    product.wait_until(lambda: healctl(machine, "status").returncode != 4, "the daemon is there again")
    assert paused(machine) == ["shop.service"]
    assert healctl(machine, "heal", "--yes").stdout.count("paused: by a person") == 1
    assert product.state(machine, "shop.service") == "failed"
    assert healctl(machine, "resume", "shop.service").stdout == "shop.service is healed again\n"
    wait_for(machine, "shop.service", "healed")
    assert paused(machine) == []


def test_it_ends_by_itself(machine: Machine) -> None:
    healctl(machine, "pause", "shop.service", "3s")
    break_unit(machine, "shop.service")
    wait_for(machine, "shop.service", "stood-back")
    wait_for(machine, "shop.service", "healed")
    assert paused(machine) == []


@pytest.mark.parametrize(("words", "code", "told"), [
    (("pause", "shop", "2h"), 2, 'did you mean "shop.service"?'),
    (("pause", "shop.service", "2 apples"), 2, "time span"),
    (("pause", "shop.service", "0s"), 2, "a pause lasts from a second to a year"),
    (("pause", "shop.service", "9999w"), 2, "a pause lasts"), (("resume", "shop.service"), 2, "is not paused"),
    (("pause", "shop.service"), 2, "SPAN"),
])
def test_bad_input_has_one_clear_error_and_no_effect(
        machine: Machine, words: tuple[str, ...], code: int, told: str) -> None:
    done = healctl(machine, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert paused(machine) == []


def test_who_has_no_leave_changes_nothing(machine: Machine) -> None:
    done = healctl(machine, "pause", "shop.service", "2h", user="nobody")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    raw = machine.run(*CALL, "Pause", "st", "shop.service", "60", user="_heald", check=False)
    assert "org.heald.controller.pause wants a password" in raw.stderr
    assert paused(machine) == []
    assert machine.run(*CALL, "Pause", "st", "shop.service", "60").returncode == 0
    assert paused(machine) == ["shop.service"]


def test_without_a_daemon_it_is_out_of_reach(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service")
    done = healctl(machine, "pause", "shop.service", "2h")
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)


def test_a_password_is_asked_for_at_the_terminal(machine: Machine) -> None:
    machine.run("useradd", "--create-home", "--shell=/bin/sh", "alice")
    machine.run("chpasswd", stdin=f"alice:{PASSWORD}\n")
    machine.run("gpasswd", "--members=alice", "sudo")
    for password, code in (("wrong", 3), (PASSWORD, 0)):
        with terminal([*machine.enter("alice"), "healctl", "pause", "shop.service", "2h"]) as screen:
            screen.wait_for("Password:")
            assert "pause the healing of shop.service" in screen.shown
            screen.type_secretly(password)
            screen.read_to_end()
        assert screen.code == code
        assert paused(machine) == ([] if code else ["shop.service"])
