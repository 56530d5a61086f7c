"""The whole path: heald.service as `_heald` notices, decides, asks root's helper, looks again and records."""

from collections.abc import Callable

import pytest

from demo import faults
from demo.__main__ import incidents
from demo.story import Incident
from machine import product
from machine.machine import Machine

QUICK = """\
[sense]
interval = "2s"
[limits]
pacing = ["0s", "2s", "10m"]
incidents_per_hour = 1000
"""


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> None:
    """heald.service runs, and waits less than it does by default."""
    machine.write("/etc/heald/heald.toml", QUICK)
    machine.run("systemctl", "start", "heald.service")


def recorded(machine: Machine, subject: str) -> list[Incident]:
    """The incidents of one subject, in the order in which they were opened."""
    return sorted((one for one in incidents(machine) if one["subject"] == subject), key=lambda one: int(one["id"]))


def wait_for(machine: Machine, subject: str, holds: Callable[[Incident], bool], what: str) -> Incident:
    """The latest incident of a subject, as soon as it is as it should be."""
    def is_so() -> bool:
        found = recorded(machine, subject)
        return bool(found) and holds(found[-1])
    product.wait_until(is_so, f"{subject}: {what}")
    return recorded(machine, subject)[-1]


def actions(incident: Incident) -> list[tuple[str, str]]:
    return [(action["operation"], action["result"]) for action in incident["actions"]]


def test_a_killed_service_is_healed_and_told(machine: Machine) -> None:
    product.add_service(machine, "shop.service")
    machine.run("systemctl", "kill", "--signal=KILL", "shop.service")
    incident = wait_for(machine, "shop.service", lambda one: one["outcome"] == "healed", "healed")
    assert product.state(machine, "shop.service") == "active"
    assert incident["kind"] == "unit-failed"
    assert actions(incident) == [("service/start", "done")]
    assert product.state(machine, "heald.service", "User") == "_heald"
    shown = machine.run("healctl", "history").stdout
    assert "shop.service" in shown


def test_a_crash_loop_climbs_the_ladder_and_is_given_up_once(machine: Machine) -> None:
    product.add_unit(machine, "loop.service", "[Service]\nExecStart=/usr/bin/false\n")
    machine.run("systemctl", "start", "loop.service")
    incident = wait_for(machine, "loop.service", lambda one: one["outcome"] == "gave-up", "given up")
    assert [operation for operation, _ in actions(incident)] == ["service/start", "service/repair"]
    assert incident["next"]["operation"] == "service/start"
    assert len(recorded(machine, "loop.service")) == 1
    said = machine.journal("-u", "heald.service")
    assert len([line for line in said.splitlines() if "loop.service" in line and "gave" in line]) == 1


def test_a_unit_that_a_person_stopped_is_left_alone_also_if_it_failed(machine: Machine) -> None:
    product.add_unit(machine, "stubborn.service", "[Service]\nExecStart=/bin/sh -c "
                     "'trap \"exit 3\" TERM; while :; do sleep 0.1; done'\n")
    machine.run("systemctl", "start", "stubborn.service")
    machine.run("systemctl", "stop", "stubborn.service")
    assert product.state(machine, "stubborn.service") == "failed"
    incident = wait_for(machine, "stubborn.service", lambda one: one["outcome"] == "stood-back", "stood back from")
    assert incident["reason"].startswith("stopped:")
    assert actions(incident) == []
    assert product.state(machine, "stubborn.service") == "failed"


def test_wrong_permissions_are_healed(machine: Machine) -> None:
    machine.run("chmod", "755", "/tmp")
    incident = wait_for(machine, "/tmp", lambda one: one["outcome"] == "healed", "healed")
    assert actions(incident) == [("system/restore-permissions", "done")]
    assert machine.run("stat", "--format=%a", "/tmp").stdout == "1777\n"


def test_a_full_disk_is_healed(machine: Machine) -> None:
    faults.give_journal_a_small_disk(machine)
    faults.fill_journal(machine)
    incident = wait_for(machine, faults.JOURNAL, lambda one: one["outcome"] == "healed", "healed")
    assert actions(incident)[-1] == ("resource/vacuum-journal", "done")
    assert faults.journal_percent(machine) < 80


def test_the_daemon_is_killed_in_the_middle_and_begins_nothing_twice(machine: Machine) -> None:
    product.add_service(machine, "slow.service", service="ExecStartPre=/bin/sh -c 'echo >> /run/starts; sleep 3'")
    before = len(machine.read("/run/starts").splitlines())
    machine.run("systemctl", "kill", "--signal=KILL", "slow.service")
    product.wait_until(lambda: product.state(machine, "slow.service") == "activating", "slow.service is being started")
    machine.run("systemctl", "kill", "--signal=KILL", "heald.service")
    wait_for(machine, "slow.service", lambda one: one["outcome"] in {"healed", "cleared"}, "is over")
    assert product.state(machine, "slow.service") == "active"
    assert len(machine.read("/run/starts").splitlines()) == before + 1
    assert product.state(machine, "heald.service") == "active"


@pytest.mark.parametrize("lost", ["polkit.service", "heald-helper.service", "dbus.service"])
def test_healing_goes_on_after_a_restart_of_what_it_needs(machine: Machine, lost: str) -> None:
    name = f"after-{lost}"
    product.add_service(machine, name)
    machine.run("systemctl", "restart", lost)
    machine.run("systemctl", "kill", "--signal=KILL", name)
    wait_for(machine, name, lambda one: one["outcome"] == "healed", "healed")
    assert product.state(machine, name) == "active"


def test_everyone_may_read_what_the_daemon_knows(machine: Machine) -> None:
    read = ("busctl", "get-property", "org.heald.Controller1", "/org/heald/Controller1", "org.heald.Controller1")

    def answers() -> bool:
        return machine.run(*read, "Health", user="nobody", check=False).stdout.startswith("y ")
    product.wait_until(answers, "Controller1 answers nobody")
    assert machine.run("healctl", "status", "--json", user="nobody", check=False).stdout.startswith("{")


def test_a_disk_whose_name_is_no_text_is_told_and_ends_nothing(machine: Machine) -> None:
    machine.run("sh", "-c", "d=$(printf '/mnt/x\\377y'); mkdir -p \"$d\"; mount -t tmpfs -o size=1m full \"$d\";"
                            " head -c 2M /dev/zero > \"$d/zeros\"; true", check=False)
    incident = wait_for(machine, "/mnt/x\\xffy", lambda one: bool(one["reason"]), "seen")
    assert incident["kind"] == "disk-full"
    assert "surrogates" not in machine.journal("-u", "heald.service")
    machine.run("sh", "-c", "umount /mnt/x*")


def test_a_configuration_that_cannot_be_used_is_told_in_one_line(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", 'mood = "auto"\n')
    machine.run("systemctl", "restart", "heald.service", check=False)
    product.wait_until(lambda: product.state(machine, "heald.service") == "failed", "heald.service is failed")
    assert product.state(machine, "heald.service", "ExecMainStatus") == "78"
    said = [line for line in machine.journal("-u", "heald.service").splitlines() if "mood" in line]
    assert said
    assert "/etc/heald/heald.toml" in said[-1]
    assert "Traceback" not in machine.journal("-u", "heald.service")


def test_a_folder_of_drop_ins_that_cannot_be_read_is_not_passed_over(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", QUICK)
    machine.write("/etc/heald/heald.toml.d/observe.toml", 'mode = "observe"\n')
    machine.run("chmod", "700", "/etc/heald/heald.toml.d")
    machine.run("systemctl", "restart", "heald.service", check=False)
    product.wait_until(lambda: product.state(machine, "heald.service") == "failed", "heald.service is failed")
    assert product.state(machine, "heald.service", "ExecMainStatus") == "78"
    assert "heald.toml.d: cannot be read: Permission denied" in machine.journal("-u", "heald.service")
