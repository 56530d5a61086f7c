"""ask and observe in the daemon, one incident healed by a person, a rehearsal with its reasons, a reload, a watcher."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from machine import product
from machine.healctl import break_unit, document, healctl
from machine.machine import Machine

RULE = '[[rule]]\nname = "careful"\nkind = "unit-failed"\nmode = "{}"\nsettle = "1s"\nladder = ["service/start"]\n'

pytestmark = pytest.mark.usefixtures("clean")


def run_daemon(machine: Machine, text: str) -> None:
    machine.write("/etc/heald/heald.toml", text)
    machine.run("systemctl", "restart", "heald.service")


def incident(machine: Machine, subject: str, outcome: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        known = document(healctl(machine, "status", "--json"))["incidents"]
        return [one for one in known if (one["subject"], one["outcome"]) == (subject, outcome)]
    product.wait_until(lambda: bool(found()), f"{subject} is {outcome}")
    return found()[0]


def test_an_ask_waits_and_says_what_to_type_and_that_heals_this_one_alone(machine: Machine) -> None:
    run_daemon(machine, RULE.format("ask"))
    break_unit(machine, "shop.service")
    break_unit(machine, "mill.service")
    asked = incident(machine, "shop.service", "asked")
    assert (asked["next"]["operation"], asked["next"]["target"]) == ("service/start", "shop.service")
    command = f"healctl heal {asked['id']}"
    assert command in healctl(machine, "status").stdout
    rehearsed = healctl(machine, *command.split()[1:], "--dry-run", "--json")
    [one] = document(rehearsed)["incidents"]
    assert [(a["result"], a["detail"]) for a in one["actions"]] == [
        ("would", 'rule "careful": service/start shop.service')]
    assert product.state(machine, "shop.service") == "failed"
    done = healctl(machine, *command.split()[1:])
    assert (done.returncode, "mill" in done.stdout, done.stderr) == (0, False, ""), done.stdout
    assert done.stdout.startswith(f"{asked['id']}  ")
    assert product.state(machine, "shop.service") == "active"
    assert product.state(machine, "mill.service") == "failed"
    product.wait_until(lambda: "shop" not in healctl(machine, "status").stdout, "the question has ended")
    assert incident(machine, "mill.service", "asked")["actions"] == []


@pytest.mark.parametrize("number", ["999", "x", "-"])
def test_an_incident_that_is_not_there(machine: Machine, number: str) -> None:
    run_daemon(machine, "")
    done = healctl(machine, "heal", number)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    machine.run("systemctl", "stop", "heald.service")
    assert healctl(machine, "heal", number).returncode == 4


def test_in_observe_the_history_says_what_would_have_been_done(machine: Machine) -> None:
    run_daemon(machine, 'mode = "observe"\n')
    break_unit(machine, "shop.service")
    found = incident(machine, "shop.service", "observed")
    assert found["reason"] == 'mode observe: rule "service" only observes; it would do service/start shop.service'
    assert product.state(machine, "shop.service") == "failed"
    machine.write("/etc/heald/heald.toml", "")
    differs = document(healctl(machine, "rules", "replay", "--since", "1h", "--json"))
    [change] = [one for one in differs["changes"] if one["id"] == found["id"]]
    assert (change["then"], change["today"]) == (["did nothing"], ["did service/start shop.service"])
    assert healctl(machine, "rules", "replay", user="nobody").returncode == 3


def test_a_rehearsal_says_why_each_rung_would_be_tried(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    [one] = document(healctl(machine, "heal", "--dry-run", "--json"))["incidents"]
    assert [action["detail"] for action in one["actions"]] == [
        'rule "service": service/start shop.service',
        'rule "service": service/repair shop.service (after service/start)']


def test_a_reload_takes_what_is_right_and_keeps_the_old_where_it_is_wrong(machine: Machine) -> None:
    run_daemon(machine, RULE.format("observe"))
    machine.write("/etc/heald/heald.toml", 'mood = "auto"\n')
    machine.run("systemctl", "reload", "heald.service")

    said = "the old configuration stays in force: /etc/heald/heald.toml: mood"
    product.wait_until(lambda: said in machine.journal("-u", "heald.service"), "it says so")
    break_unit(machine, "shop.service")
    assert incident(machine, "shop.service", "observed")["reason"].startswith('rule "careful"')
    machine.write("/etc/heald/heald.toml", RULE.format("auto"))
    machine.run("systemctl", "reload", "heald.service")
    product.wait_until(lambda: product.state(machine, "shop.service") == "active", "the new rule healed it")
    assert product.state(machine, "heald.service", "NRestarts") == "0"


class Watcher:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def until(self, event: str) -> list[dict[str, Any]]:
        """Reads up to the first event of this name."""
        found: list[dict[str, Any]] = []
        while not found or found[-1]["event"] != event:
            assert self.process.stdout is not None
            found.append(json.loads(self.process.stdout.readline()))
        return found


@contextmanager
def watcher(machine: Machine) -> Iterator[Watcher]:
    with subprocess.Popen([*machine.enter(), "healctl", "watch", "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Watcher(process)
        finally:
            process.kill()


def test_a_watcher_sees_it_all_and_that_the_daemon_goes_and_comes(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service")
    with watcher(machine) as watching:
        assert [event["event"] for event in watching.until("gone")] == ["gone"]
        run_daemon(machine, "")
        watching.until("came")
        break_unit(machine, "shop.service")
        seen = [one for one in watching.until("healed") if one["id"]]
        assert [one["event"] for one in seen] == ["opened", "began", "ended", "healed"]
        assert {one["subject"] for one in seen} == {"shop.service"}
        assert seen[2]["result"] == "done"
        machine.run("systemctl", "stop", "heald.service")
        assert watching.until("gone")[-1]["id"] is None
        machine.run("pkill", "--signal=INT", "--full", "^/usr/bin/python3.*healctl watch")
        assert watching.process.stderr is not None
        assert watching.process.stderr.read() == ""
        assert watching.process.wait() in {130, -signal.SIGINT}


def test_a_watcher_ends_when_nobody_reads_it(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service")
    done = machine.run("bash", "-c", "set -o pipefail; healctl watch | head -n1", timeout=60)
    assert "heald has gone" in done.stdout
    assert done.stderr == ""
