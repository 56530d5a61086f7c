"""A person is asked for a password at a terminal: a real polkitd, its own terminal agent, a real password."""

import json

import pytest

from machine import product
from machine.machine import Machine
from machine.terminal import terminal

PASSWORD = "correct horse"      # noqa: S105  of a user that exists for this test alone
PLAIN = "\x1b[0m"          # what pkttyagent leaves behind its question


@pytest.fixture(autouse=True, scope="module")
def alice(machine: Machine) -> None:
    """The machine's only administrator; a second one would make polkit ask who it is."""
    machine.run("useradd", "--create-home", "--shell=/bin/sh", "alice")
    machine.run("chpasswd", stdin=f"alice:{PASSWORD}\n")
    machine.run("gpasswd", "--members=alice", "sudo")


@pytest.mark.parametrize(("password", "ends"), [(PASSWORD, "report"), ("wrong", "error")])
def test_a_password_decides(machine: Machine, password: str, ends: str) -> None:
    name = f"for-{ends}.service"
    product.add_service(machine, name)
    product.kill(machine, name)
    with terminal([*machine.enter("alice"), *product.call("HealService", "start", name, "--agent")]) as screen:
        screen.wait_for("Password:")
        assert name in screen.shown, "the question does not say which unit it is about"
        screen.type_secretly(password)
        answer = json.loads(screen.read_to_end().splitlines()[-1].removeprefix(PLAIN))
    assert next(iter(answer)) == ends
    assert product.state(machine, name) == ("active" if ends == "report" else "failed")
    assert answer.get("error", "AccessDenied") == "AccessDenied"


def test_healctl_asks_for_the_password_itself(machine: Machine) -> None:
    machine.run("systemctl", "reset-failed")
    product.add_service(machine, "by-alice.service")
    product.kill(machine, "by-alice.service")
    environment = ["env", "-i", "PATH=/usr/bin:/bin", "HOME=/home/alice", "LANG=C.UTF-8", "TERM=dumb"]
    with terminal([*machine.enter("alice"), *environment, "healctl", "heal"]) as screen:
        screen.wait_for("Do service/start by-alice.service? [y/N]:")
        screen.type("y\n")
        screen.wait_for("Password:")
        screen.type_secretly(PASSWORD)
        shown = screen.read_to_end()
    assert "nothing is wrong" in shown
    assert "Traceback" not in shown
    assert screen.code == 0
    assert product.state(machine, "by-alice.service") == "active"


def test_without_an_agent_nobody_is_asked(machine: Machine) -> None:
    product.add_service(machine, "unasked.service")
    product.kill(machine, "unasked.service")
    answer = product.heal(machine, "HealService", "start", "unasked.service", user="alice")
    assert answer.error == "InteractiveAuthorizationRequired"
    assert product.state(machine, "unasked.service") == "failed"
