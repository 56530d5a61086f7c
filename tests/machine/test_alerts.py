"""On a server: the examples of docs/alerts.md, installed and run for real; and the one line of `status --short`."""

import json
import re
from collections.abc import Callable

import pytest

from demo.__main__ import incidents
from machine import product
from machine.healctl import healctl
from machine.machine import SOURCE, Machine

BOTH_MODES = True
EXAMPLES = re.findall(r"`(/[^`\s]+)`[^`]*(?:`[^`]*`[^`]*)?:\n\n```(?:ini|sh)\n(.*?)^```$",
                      (SOURCE / "docs/alerts.md").read_text(), re.MULTILINE | re.DOTALL)
UNIT, MAIL, HOOK, MOTD = EXAMPLES
LOOP = "[Service]\nExecStart=/usr/bin/false\n"
QUICK = """\
[sense]
interval = "2s"
[limits]
pacing = ["0s", "2s", "10m"]
[[rule]]
name = "careful"
kind = "unit-failed"
subject = "careful*"
mode = "ask"
ladder = ["service/start"]
"""


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", QUICK)
    machine.run("systemctl", "start", "heald.service")


def install(machine: Machine, example: tuple[str, str], *, was: str = "", now: str = "") -> None:
    path, text = example
    assert was in text
    machine.write(path, text.replace(was, now) if was else text, "755")
    machine.run("systemctl", "daemon-reload")


def sink(machine: Machine, kind: str, port: int) -> str:
    """Begins to listen; the file in which what comes will lie."""
    file = f"/run/sink-{kind}"
    machine.run("rm", "-f", file)
    machine.run("systemd-run", "--quiet", f"--unit=sink-{kind}", "/usr/bin/python3", "-I",
                f"{product.SOURCE}/tests/machine/sink.py", kind, str(port), file)
    product.wait_until(lambda: f":{port:04X} " in machine.read("/proc/net/tcp"), f"something listens at {port}")
    return file


def break_for_good(machine: Machine, name: str) -> None:
    product.add_unit(machine, name, LOOP)
    machine.run("systemctl", "start", name, check=False)


def told(machine: Machine, subject: str, outcome: str, file: str) -> str:
    """The number of the incident, as soon as it has this outcome and somebody was told of it."""
    found: list[str] = []

    def is_so() -> bool:
        found[:] = [one["id"] for one in incidents(machine)
                    if (one["subject"], one["outcome"]) == (subject, outcome)]
        return bool(found) and machine.exists(file)
    product.wait_until(is_so, f"{subject} is {outcome}, and it was told")
    return found[0]


def said(machine: Machine, number: str) -> Callable[[], bool]:
    return lambda: "system/alert: done" in machine.journal("-t", "heald", f"HEALD_INCIDENT={number}").replace(
        f"system/alert {number}", "system/alert")


def test_without_a_unit_of_root_s_nobody_is_told_and_nothing_is_said(machine: Machine) -> None:
    break_for_good(machine, "quiet.service")
    product.wait_until(lambda: any(one["outcome"] == "gave-up" for one in incidents(machine)), "it is given up")
    offered = machine.run("busctl", "get-property", "org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1",
                          "Operations").stdout
    assert "system/alert" not in offered
    assert "alert" not in machine.journal("-t", "heald")


def test_what_is_given_up_comes_by_mail(machine: Machine) -> None:
    install(machine, UNIT)
    install(machine, MAIL)
    machine.run("ln", "-sf", "/usr/bin/msmtp", "/usr/sbin/sendmail")       # as package msmtp-mta does
    machine.write("/etc/msmtprc", "account default\nhost 127.0.0.1\nport 2525\nfrom heald@example.org\n"
                                  "aliases /etc/aliases.msmtp\n")
    machine.write("/etc/aliases.msmtp", "root: admin@example.org\n")
    file = sink(machine, "smtp", 2525)
    break_for_good(machine, "loop.service")
    number = told(machine, "loop.service", "gave-up", file)
    mail = machine.read(file)
    assert f"incident {number}\n" in mail.partition("\n\n")[0]
    assert f"incident {number}: unit-failed loop.service" in mail
    assert "The unit's journal" in mail
    product.wait_until(said(machine, number), "the daemon says that it had it told")


def test_a_question_goes_to_a_webhook(machine: Machine) -> None:
    install(machine, UNIT)
    install(machine, HOOK, was="https://hooks.example.org/heald", now="http://127.0.0.1:8099/")
    file = sink(machine, "http", 8099)
    product.add_service(machine, "careful.service")
    product.kill(machine, "careful.service")
    number = told(machine, "careful.service", "asked", file)
    document = json.loads(machine.read(file))
    assert document["incident"]["id"] == number
    assert document["advice"][0]["command"] == f"healctl heal {number}"
    product.wait_until(said(machine, number), "the daemon says that it had it told")
    machine.run("systemctl", "restart", "heald.service")
    machine.run("rm", file)
    product.wait_until(lambda: healctl(machine, "status").returncode == 1, "the daemon knows of it again")
    assert not machine.exists(file)         # told once, also over a restart


def test_one_line_for_a_prompt_and_none_when_all_is_well(machine: Machine) -> None:
    line = healctl(machine, "status", "--short", user="nobody")
    assert (line.returncode, line.stdout.count("\n")) == (1, 1)
    assert re.fullmatch(r"heald: unit-failed \w+\.service, 2 more, 1 asked: healctl status\n",
                        line.stdout)
    install(machine, MOTD)
    assert machine.run(MOTD[0]).stdout == line.stdout
    machine.run("systemctl", "stop", "heald.service", "quiet.service", "loop.service", "careful.service")
    machine.run("systemctl", "reset-failed")
    assert (healctl(machine, "status", "--short").returncode, machine.run(MOTD[0]).stdout.count("\n")) == (4, 1)
    machine.run("systemctl", "start", "heald.service")
    product.wait_until(lambda: healctl(machine, "status", "--short").returncode == 0, "all is well")
    well = healctl(machine, "status", "--short")
    assert (well.returncode, well.stdout, well.stderr) == (0, "", "")
    assert healctl(machine, "status", "--short", "--json").returncode == 2


@pytest.mark.parametrize(("target", "error"), [("", "InvalidArgs"), ("12a", "InvalidArgs"), ("../1", "InvalidArgs"),
                                               ("9" * 20, "InvalidArgs"), ("٣", "InvalidArgs")])
def test_an_incident_has_a_number(machine: Machine, target: str, error: str) -> None:
    assert product.heal(machine, "HealSystem", "alert", target).error == error


def test_ten_an_hour_and_they_take_nothing_from_the_repairs(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service", "heald-helper.service")
    machine.run("rm", "-f", "/run/heald-helper/ledger.json")
    machine.write("/etc/heald/helper.toml", "[limits]\nper_hour = 2\n")
    install(machine, UNIT)
    machine.write(MAIL[0], "#!/bin/sh\necho $1 >> /run/alerted\n", "755")
    machine.run("install", "-o", "_heald", "/dev/null", "/run/alerted")
    answers = [product.heal(machine, "HealSystem", "alert", str(n)) for n in range(100, 112)]
    assert [answer.error for answer in answers] == [""] * 10 + ["LimitsExceeded"] * 2
    assert machine.read("/run/alerted").split() == [str(n) for n in range(100, 110)]
    product.add_service(machine, "mill.service")
    product.kill(machine, "mill.service")
    assert product.heal(machine, "HealService", "start", "mill.service").report["state"] == "done"
    assert product.heal(machine, "HealSystem", "alert", "113", user="root").report["state"] == "done"
    assert product.heal(machine, "HealSystem", "alert", "113", user="nobody").error in {
        "InteractiveAuthorizationRequired", "AccessDenied"}
