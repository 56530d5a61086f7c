"""journalctl finds all that was said of one incident, by the fields of its entries."""

import json

import pytest

from demo.__main__ import incidents
from machine import product
from machine.healctl import break_unit
from machine.machine import Machine

FIELDS = ("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "UNIT", "_SYSTEMD_UNIT", "HEALD_INCIDENT", "HEALD_OPERATION",
          "HEALD_KIND", "HEALD_SUBJECT", "HEALD_OUTCOME")


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> None:
    machine.run("systemctl", "start", "heald.service")


def entries(machine: Machine, *match: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in machine.journal(
        "--output=json", f"--output-fields={','.join(FIELDS)}", "-t", "heald", *match).splitlines()]


def healed(machine: Machine, subject: str) -> str:
    product.add_service(machine, subject)
    machine.run("systemctl", "kill", "--signal=KILL", subject)
    found: list[str] = []

    def is_so() -> bool:
        found[:] = [one["id"] for one in incidents(machine) if (one["subject"], one["outcome"]) == (subject, "healed")]
        said = entries(machine, f"HEALD_INCIDENT={found[0]}") if found else []
        ended = any(f"service/start {subject}: done" in entry["MESSAGE"] for entry in said)
        return ended and any(entry["HEALD_OUTCOME"] == "healed" for entry in said)
    product.wait_until(is_so, f"{subject} is healed, and the journal has it")
    return found[0]


def test_one_incident_s_story_and_no_other(machine: Machine) -> None:
    shop, mill = healed(machine, "shop.service"), healed(machine, "mill.service")
    told = entries(machine, f"HEALD_INCIDENT={shop}")
    assert {(e["SYSLOG_IDENTIFIER"], e["HEALD_SUBJECT"], e["HEALD_KIND"], e["UNIT"]) for e in told} == {
        ("heald", "shop.service", "unit-failed", "shop.service")}
    assert [e["MESSAGE"].startswith(f"incident {shop}: ") for e in told] == [True] * len(told)
    assert "HEALD_OPERATION" not in told[0]
    assert {e["HEALD_OPERATION"] for e in told if "HEALD_OPERATION" in e} == {"service/start"}
    assert (told[0]["HEALD_OUTCOME"], told[-1]["HEALD_OUTCOME"]) == ("open", "healed")
    assert {e["PRIORITY"] for e in told} <= set("456")
    assert {e["_SYSTEMD_UNIT"] for e in told} == {"heald.service"}
    acts = entries(machine, "HEALD_OPERATION=service/start", "UNIT=mill.service")
    assert {e["HEALD_INCIDENT"] for e in acts} == {mill}
    assert len(acts) >= 2           # that it begins, and how it ended


def test_what_is_about_no_incident_is_there_too_and_nothing_comes_twice(machine: Machine) -> None:
    begun = [e for e in entries(machine) if "watches this machine" in e["MESSAGE"]]
    assert [(e["SYSLOG_IDENTIFIER"], e["PRIORITY"]) for e in begun] == [("heald", "6")]
    lines = [e["MESSAGE"] for e in entries(machine)]
    assert len(lines) == len(set(lines))


def test_without_a_journal_it_is_said_on_standard_output(machine: Machine) -> None:
    program = "import sys; sys.path[:0] = ['/usr/src/heald/controller']; from heald.daemon import main; main()"
    machine.run("systemctl", "stop", "heald.service")
    break_unit(machine, "port.service")
    done = machine.run("timeout", "--signal=INT", "3", "/usr/bin/python3", "-c", program, "--dry-run", check=False,
                       env={"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": "/run/state"})
    assert "incident 1: port.service is failed" in done.stdout
