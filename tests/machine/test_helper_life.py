"""The helper's process: what it may do, and what happens when it, the bus or polkit ends in the middle."""

import subprocess

import pytest

from demo import faults
from machine import product
from machine.machine import SOURCE, Machine

HELPER = "heald-helper.service"


def add_slow_service(machine: Machine, name: str) -> None:
    """A failed service that takes its time to start: long enough for something to happen meanwhile."""
    product.add_service(machine, name, service="ExecStartPre=/usr/bin/sleep 2")
    product.kill(machine, name)


def begin(machine: Machine, name: str) -> "subprocess.Popen[str]":
    """Asks the helper to start a slow service and returns while systemd is at it."""
    asking = subprocess.Popen([*machine.enter("_heald"), *product.call("HealService", "start", name)],
                              stdout=subprocess.PIPE, text=True)
    product.wait_until(lambda: product.state(machine, name) == "activating", f"{name} is being started")
    return asking


def test_exposure_is_low_and_the_helper_holds_no_capability(machine: Machine) -> None:
    shown = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=10", "--no-pager",
                            str(SOURCE / "systemd" / HELPER)], capture_output=True, text=True, check=False)
    overall = next(line for line in shown.stdout.splitlines() if "Overall exposure level" in line)
    print(overall)
    assert float(overall.partition(":")[2].split()[0]) <= 1.0
    product.heal(machine, "HealService", "start", "no-such.service")
    process = product.state(machine, HELPER, "MainPID")
    lines = machine.read(f"/proc/{process}/status").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert {status[kind].strip("0") for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}
    assert status["NoNewPrivs"] == "1"


def test_root_loads_nothing_of_the_controller_nor_of_the_site_packages(machine: Machine) -> None:
    product.heal(machine, "HealService", "start", "no-such.service")
    maps = machine.read(f"/proc/{product.state(machine, HELPER, 'MainPID')}/maps")
    assert "/python3" in maps
    assert "/usr/lib/heald/site" not in maps
    assert "-packages" not in maps


def test_the_helper_is_killed_in_the_middle(machine: Machine) -> None:
    add_slow_service(machine, "slow-a.service")
    asking = begin(machine, "slow-a.service")
    machine.run("systemctl", "kill", "--signal=KILL", HELPER)
    assert "NoReply" in asking.communicate()[0]
    product.wait_until(lambda: product.state(machine, "slow-a.service") == "active", "systemd ended what was begun")
    assert product.heal(machine, "HealService", "start", "slow-a.service").error == "Healthy"


def test_a_helper_that_is_stopped_leaves_at_once_and_what_it_began_goes_on(machine: Machine) -> None:
    add_slow_service(machine, "slow-c.service")
    asking = begin(machine, "slow-c.service")
    machine.run("systemctl", "stop", HELPER, timeout=20)
    assert product.state(machine, HELPER, "Result") == "success"
    assert '"running"' in asking.communicate()[0]
    product.wait_until(lambda: product.state(machine, "slow-c.service") == "active", "systemd ended what was begun")


def test_one_action_at_a_time_on_one_unit(machine: Machine) -> None:
    add_slow_service(machine, "slow-b.service")
    asking = begin(machine, "slow-b.service")
    assert product.heal(machine, "HealService", "start", "slow-b.service").error in {"Busy", "Healthy"}
    assert '"active"' in asking.communicate()[0]


def test_polkit_is_restarted(machine: Machine) -> None:
    machine.run("systemctl", "restart", "polkit.service")
    product.add_service(machine, "after-polkit.service")
    product.kill(machine, "after-polkit.service")
    assert product.heal(machine, "HealService", "start", "after-polkit.service").report["after"] == "active"


def test_the_bus_is_restarted(machine: Machine) -> None:
    product.add_service(machine, "after-bus.service")
    product.kill(machine, "after-bus.service")
    product.heal(machine, "HealService", "start", "no-such.service")
    before = product.state(machine, HELPER, "MainPID")
    machine.run("systemctl", "restart", "dbus.service")
    product.wait_until(lambda: product.state(machine, HELPER, "MainPID") != before, "the helper without a bus has left")

    def healed() -> bool:
        return product.heal(machine, "HealService", "start", "after-bus.service").report.get("after") == "active"
    product.wait_until(healed, "a call on the new bus is answered")


def test_a_full_journal_is_vacuumed(machine: Machine) -> None:
    faults.give_journal_a_small_disk(machine)
    assert product.heal(machine, "HealResource", "vacuum-journal", user="root").error == "Healthy"
    faults.fill_journal(machine)
    answer = product.heal(machine, "HealResource", "vacuum-journal")
    assert answer.report["state"] == "done"
    assert int(float(answer.report["before"])) >= faults.FULL - 1
    assert faults.journal_percent(machine) < 80
    assert product.heal(machine, "HealResource", "vacuum-journal").error == "Healthy"


def test_counts_are_kept_while_the_disk_they_lie_on_is_full(machine: Machine) -> None:
    run = "/run/heald-helper"
    product.add_service(machine, "while-full.service")
    machine.run("systemctl", "stop", HELPER)
    machine.run("mkdir", "-p", run)
    machine.run("mount", "-t", "tmpfs", "-o", "size=8k,mode=700", "small", run)
    machine.run("sh", "-c", f"head -c 8k /dev/zero > {run}/filler")
    for error in ("", "", "", "LimitsExceeded"):
        product.kill(machine, "while-full.service")
        assert product.heal(machine, "HealService", "start", "while-full.service").error == error
        machine.run("systemctl", "start", "while-full.service")
    assert "cannot be written" in machine.journal("-u", HELPER)
    assert machine.read(f"{run}/ledger.new") == "", "the disk is not full: the test shows nothing"
    machine.run("rm", f"{run}/filler")
    product.kill(machine, "while-full.service")
    assert product.heal(machine, "HealService", "repair", "while-full.service").report["after"] == "active"
    machine.run("systemctl", "stop", HELPER)
    product.kill(machine, "while-full.service")
    assert product.heal(machine, "HealService", "start", "while-full.service").error == "LimitsExceeded"
    machine.run("systemctl", "stop", HELPER)
    machine.run("umount", run)


@pytest.mark.long
def test_an_idle_helper_leaves_and_the_next_call_is_answered(machine: Machine) -> None:
    product.heal(machine, "HealService", "start", "no-such.service")
    product.wait_until(lambda: product.state(machine, HELPER) == "inactive", "the idle helper has left", seconds=120)
    assert product.state(machine, HELPER, "Result") == "success"
    assert product.heal(machine, "HealService", "start", "no-such.service").error == "InvalidArgs"


def test_a_unit_with_other_names_has_one_budget(machine: Machine) -> None:
    product.add_service(machine, "many.service", service="[Install]\nAlias=much.service more.service")
    machine.run("systemctl", "enable", "many.service")
    answers = []
    for name in ("many", "much", "more", "many"):
        product.kill(machine, "many.service")
        answers.append(product.heal(machine, "HealService", "start", f"{name}.service"))
        machine.run("systemctl", "reset-failed", "many.service")
        machine.run("systemctl", "start", "many.service")
    assert [answer.error for answer in answers] == ["", "", "", "LimitsExceeded"]


def test_a_client_that_leaves_while_the_helper_starts_does_it_no_harm(machine: Machine) -> None:
    churn = subprocess.Popen([*machine.enter(), "sh", "-c", "while :; do busctl --quiet list >/dev/null; done"])
    try:
        for _ in range(10):
            machine.run("systemctl", "stop", "heald-helper.service")
            machine.run("busctl", "introspect", "org.heald.Helper1", "/org/heald/Helper1")
    finally:
        churn.kill()
        churn.wait()
