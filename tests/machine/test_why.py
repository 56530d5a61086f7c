"""`healctl why`: the whole story of one incident, as it happened on a real machine."""

import time
from typing import Any

import pytest

from demo.__main__ import incidents
from machine import product
from machine.healctl import document, healctl
from machine.machine import Machine

QUICK = '[sense]\ninterval = "2s"\n'


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", QUICK)
    machine.run("systemctl", "start", "heald.service")


def number(machine: Machine, subject: str, *outcomes: str) -> str:
    """The newest incident of a subject, as soon as it has one of these outcomes and was looked into."""
    found: list[str] = []

    def told() -> bool:
        found[:] = [one["id"] for one in incidents(machine)
                    if one["subject"] == subject and one["outcome"] in outcomes]
        story = why(machine, max(found, key=int)) if found else {}
        return bool(found) and bool(story["ended_by"]) and bool(story["evidence"])
    product.wait_until(told, f"{subject} is {outcomes}, and it is known what ended it")
    return max(found, key=int)


def why(machine: Machine, *words: str, user: str | None = None) -> dict[str, Any]:
    return document(healctl(machine, "why", *words, "--json", user=user))


def test_the_story_of_a_service_that_a_person_killed(machine: Machine) -> None:
    machine.write("/etc/shop/shop.conf", "port = 1\n")
    machine.write("/etc/default/shop", "X=1\n")
    product.add_service(machine, "shop.service", service="EnvironmentFile=/etc/default/shop\n"
                        "ExecStart=\n"
                        "ExecStart=/bin/sh -c 'echo I run; exec sleep infinity' -- --config=/etc/shop/shop.conf")
    product.wait_until(lambda: "I run" in machine.journal("--unit=shop.service"), "it has said so")
    machine.run("systemctl", "kill", "--signal=KILL", "shop.service")
    story = why(machine, number(machine, "shop.service", "healed"))
    assert story["seen"]["value"] == "failed"
    assert story["rule"] == "service"
    assert [step["event"] for step in story["steps"]][:3] == ["opened", "decided", "healed"]
    assert [action["result"] for action in story["incident"]["actions"]] == ["done"]
    assert "SIGKILL" in story["ended_by"]
    assert "client request" in story["ended_by"]
    [evidence] = story["evidence"]
    assert evidence["properties"]["result"] == "signal"
    assert any(line.endswith("I run") for line in evidence["journal"])
    files = {change["what"] for change in story["changes"] if change["kind"] == "file"}
    assert files >= {"/etc/systemd/system/shop.service", "/etc/default/shop", "/etc/shop/shop.conf"}
    assert story["advice"] == []
    shown = healctl(machine, "why", story["incident"]["id"]).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "nothing: it is well again" in shown


def test_whom_a_command_through_sudo_names(machine: Machine) -> None:
    product.add_service(machine, "mill.service")
    pid = product.state(machine, "mill.service", "MainPID")
    machine.run("sudo", "sh", "-c", f"kill -9 {pid}; sleep 1")     # it stays: the journal looks who is speaking
    story = why(machine, number(machine, "mill.service", "healed"))
    assert f"kill -9 {pid}" in story["ended_by"].partition("COMMAND=")[2]
    assert story["ended_by"].startswith("a person")


@pytest.mark.parametrize(("name", "command", "words"), [
    ("crash", "kill -SEGV $$$$", "a crash of its own: SIGSEGV"),
    ("exits", "exit 7", "itself: it ended with exit status 7"),
])
def test_what_ends_by_itself_and_is_given_up(machine: Machine, name: str, command: str, words: str) -> None:
    unit = f"{name}.service"
    product.add_unit(machine, unit, f"[Service]\nExecStart=/bin/sh -c '{command}'\n")
    machine.run("systemctl", "start", unit, check=False)
    story = why(machine, number(machine, unit, "open", "gave-up"))
    assert story["ended_by"].startswith(words)
    commands = [one["command"] for one in story["advice"]]
    assert f"systemctl status {unit}" in commands
    if story["incident"]["next"]:
        assert f"healctl heal {story['incident']['id']}" in commands
        assert "  next      service/" in healctl(machine, "why", story["incident"]["id"]).stdout


def test_why_nothing_is_done_about_what_a_person_stopped(machine: Machine) -> None:
    product.add_unit(machine, "stubborn.service", "[Service]\nExecStart=/bin/sh -c "
                     "'trap \"exit 3\" TERM; while :; do sleep 0.1; done'\n")
    machine.run("systemctl", "start", "stubborn.service")
    machine.run("systemctl", "stop", "stubborn.service")
    story = why(machine, number(machine, "stubborn.service", "stood-back"))
    assert story["incident"]["reason"].startswith("stopped:")
    assert [one["command"] for one in story["advice"]] == ["systemctl start stubborn.service"]
    assert len(story["evidence"]) == 1              # there was no repair before which it would have been kept


def test_packages_that_were_installed_just_before(machine: Machine) -> None:
    machine.write("/var/lib/dpkg/info/millstone:amd64.list", "/.\n/etc\n/etc/systemd/system/wheel.service\n")
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 60))
    machine.run("sh", "-c", f"echo '{stamp} upgrade millstone:amd64 1.0-1 1.1-1' >> /var/log/dpkg.log")
    product.add_service(machine, "wheel.service")
    machine.run("systemctl", "kill", "--signal=KILL", "wheel.service")
    story = why(machine, number(machine, "wheel.service", "healed"))
    [change] = [one for one in story["changes"] if one["what"] == "millstone"]
    assert change["kind"] == "package"
    assert change["detail"] == "upgrade 1.0-1 to 1.1-1; the unit's own files are part of it"
    assert abs(time.time() - 60 - time.mktime(time.strptime(stamp, "%Y-%m-%d %H:%M:%S"))) < 600


def test_without_a_number_it_is_the_newest_that_is_ill(machine: Machine) -> None:
    assert why(machine)["incident"]["subject"] in {"stubborn.service", "crash.service", "exits.service"}
    assert healctl(machine, "why", "99999").returncode == 2
    assert "healctl history" in healctl(machine, "why", "x1").stderr


def test_no_line_of_the_journal_goes_to_who_may_not_read_the_file(machine: Machine) -> None:
    one = why(machine, user="nobody")
    assert one["evidence"] == one["steps"] == one["changes"] == []
    assert one["ended_by"] is None
    assert one["seen"]["value"] == "failed"         # everyone may know that
    assert f"sudo healctl why {one['incident']['id']}" in one["hidden"]
    shown = healctl(machine, "why", user="nobody")
    assert "What is not shown here" in shown.stdout
    published = machine.run("busctl", "get-property", "org.heald.Controller1", "/org/heald/Controller1",
                            "org.heald.Controller1", "Incidents").stdout
    assert "I run" not in published
    machine.run("systemctl", "stop", "heald.service")
    refused = healctl(machine, "why", user="nobody")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (3, 1)
