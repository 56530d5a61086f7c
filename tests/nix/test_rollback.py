"""Going back from one generation to another by its own switch, for real: a person, and heald by itself."""

import pytest

from machine import product
from machine.machine import Machine
from nix import closure
from nix.closure import MARKS, PROFILE, fill, mark, marked, of, switched, system

BOTH_MODES = True


def roll_back(machine: Machine, between: str, user: str = "root") -> product.Answer:
    return product.heal(machine, "HealSystem", "rollback", user=user, between=between)


def test_a_person_goes_back_by_the_generation_s_own_switch(store: Machine) -> None:
    switched(store, 1, 2, 3)
    assert of(store) == "3"
    assert roll_back(store, "3-1").report == {
        "state": "done", "unit": "heald-rollback@3-1.service", "result": "success", "before": "3", "after": "1"}
    assert (of(store), closure.current(store), marked(store, "known-bad")) == ("1", 1, ["3"])
    assert store.run("readlink", "-f", "/run/current-system").stdout == store.run("readlink", "-f", PROFILE).stdout
    assert roll_back(store, "3-2").text.endswith("generation 1 is current, not 3")
    assert roll_back(store, "1-9").error == "InvalidArgs"
    assert roll_back(store, "1-1").error == "InvalidArgs"
    assert roll_back(store, "1-3").error == "Failed"            # known to be bad
    assert "known to be bad" in store.journal("-u", "heald-rollback@1-3.service")
    assert (of(store), closure.current(store), closure.generations(store)) == ("1", 1, [1, 2, 3])
    store.run("systemctl", "reset-failed")


def test_units_that_fail_in_the_generation_gone_to_are_told(store: Machine) -> None:
    closure.switch(store, system(store, 1, command="/usr/bin/false-start"), check=False)
    closure.switch(store, system(store, 2))
    answer = roll_back(store, "2-1")
    assert (answer.error, "some of its units failed" in answer.text) == ("Failed", True)
    assert closure.current(store) == 1
    assert store.run("readlink", "-f", "/run/current-system").stdout == store.run("readlink", "-f", PROFILE).stdout
    store.run("systemctl", "reset-failed")


def test_a_generation_that_takes_effect_at_the_next_boot_is_told(store: Machine) -> None:
    closure.switch(store, system(store, 1, code=100), check=False)
    closure.switch(store, system(store, 2))
    answer = roll_back(store, "2-1")
    assert (answer.error, "next boot" in answer.text) == ("Failed", True)
    assert (of(store), closure.current(store)) == ("2", 1)
    store.run("systemctl", "reset-failed")


@pytest.mark.parametrize("why", ["it fails", "another switch is under way"])
def test_a_rollback_that_does_not_take_place_leaves_all_as_it_was(store: Machine, why: str) -> None:
    closure.switch(store, system(store, 1, code=2 if why == "it fails" else 0), check=False)
    closure.switch(store, system(store, 2))
    if why != "it fails":
        store.run("systemd-run", "--quiet", "--unit=switching", "flock", "/run/nixos/switch-to-configuration.lock",
                  "sleep", "infinity")
        product.wait_until(lambda: store.run("flock", "--nonblock", "/run/nixos/switch-to-configuration.lock", "true",
                                             check=False).returncode == 1, "the lock is held")
    assert roll_back(store, "2-1").error == "Failed"
    assert (of(store), closure.current(store), marked(store, "known-bad")) == ("2", 2, [])
    store.run("systemctl", "reset-failed")
    if why != "it fails":
        store.run("systemctl", "stop", "switching.service")


def test_a_full_disk_does_not_keep_anybody_from_going_back(store: Machine) -> None:
    switched(store, 1, 2)
    fill(store)
    assert roll_back(store, "2-1").report["after"] == "1"
    assert of(store) == "1"


def test_the_rollback_outlives_that_the_switch_stops_the_helper_and_heald(store: Machine) -> None:
    """The fake switch does to them what NixOS does to units that changed."""
    stops = "/bin/sh -c 'systemctl stop heald-helper.service; sleep infinity'"
    closure.switch(store, system(store, 1, command=stops))
    closure.switch(store, system(store, 2))
    answer = roll_back(store, "2-1")
    assert answer.report.get("state") in {"running", "done"}
    product.wait_until(lambda: closure.current(store) == 1 and product.state(
        store, "heald-rollback@2-1.service", "ActiveState") == "inactive", "the rollback has ended")
    assert product.state(store, "heald-rollback@2-1.service", "Result") == "success"
    assert of(store) == "1"


def broken_by_the_second(machine: Machine) -> None:
    """Root's file allows it; the service of 2 dies, that of 1 is known to be good."""
    closure.switch(machine, system(machine, 1))
    closure.switch(machine, system(machine, 2, command="/bin/sh -c 'sleep 0.1; exit 1'"), check=False)
    product.wait_until(lambda: product.state(machine, "web.service") == "failed", "web.service has failed")
    machine.write("/etc/heald/helper.toml", "auto_rollback = true\n")
    mark(machine, "known-good", 1)


def test_the_controller_goes_back_only_where_root_s_file_says_so_and_only_to_what_is_known_to_be_good(
        store: Machine) -> None:
    broken_by_the_second(store)
    store.run("rm", "/etc/heald/helper.toml")
    assert roll_back(store, "2-1", "_heald").error == "AccessDenied"
    store.write("/etc/heald/helper.toml", "auto_rollback = true\n")
    store.run("rm", f"{MARKS}/known-good")
    answer = roll_back(store, "2-1", "_heald")
    assert (answer.error, "known to be good" in answer.text) == ("AccessDenied", True)
    mark(store, "known-good", 1)
    mark(store, "known-bad", 9)             # somebody rolled back just now
    assert roll_back(store, "2-1", "_heald").error == "LimitsExceeded"
    assert closure.current(store) == 2
    store.run("systemctl", "reset-failed")


def test_the_controller_goes_back_only_where_the_switch_changed_what_failed(store: Machine) -> None:
    switched(store, 1, 2)
    store.write("/etc/heald/helper.toml", "auto_rollback = true\n")
    mark(store, "known-good", 1)
    product.add_unit(store, "other.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n")
    store.run("systemctl", "start", "other.service", check=False)
    assert roll_back(store, "2-1", "_heald").error == "Healthy"
    assert (of(store), closure.current(store)) == ("2", 2)
    store.run("systemctl", "reset-failed")


@pytest.mark.parametrize("well", [True, False])
def test_what_no_person_asked_for_is_taken_back_unless_the_machine_is_well(store: Machine, *, well: bool) -> None:
    broken_by_the_second(store)
    report = roll_back(store, "2-1", "_heald").report
    assert (report["before"], report["after"]) == ("2", "1")
    assert product.state(store, "heald-return@2-1.timer") == "active"
    assert of(store) == "1"
    store.run("systemctl", "reset-failed")
    if not well:
        product.add_unit(store, "other.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n")
        store.run("systemctl", "start", "other.service", check=False)
    store.run("systemctl", "start", "heald-return@2-1.service", check=False)        # as the timer does
    assert closure.current(store) == (1 if well else 2)
    assert marked(store, "known-bad") == (["2"] if well else ["1"])
    store.run("systemctl", "stop", "heald-return@2-1.timer")
    store.run("systemctl", "reset-failed")


def test_the_controller_goes_back_once_a_boot_whatever_the_clock_says(store: Machine) -> None:
    broken_by_the_second(store)
    assert roll_back(store, "2-1", "_heald").report["after"] == "1"
    store.run("systemctl", "stop", "heald-return@2-1.timer")
    store.run("nix-env", "--profile", "/nix/var/nix/profiles/system", "--switch-generation", "2")
    closure.switch(store, system(store, 2, command="/bin/sh -c 'sleep 0.1; exit 1'"), check=False)
    product.wait_until(lambda: product.state(store, "web.service") == "failed", "web.service has failed")
    store.run("touch", "--date=3 days ago", f"{MARKS}/known-bad")
    number = closure.current(store)
    assert roll_back(store, f"{number}-1", "_heald").error == "LimitsExceeded"
    store.run("systemctl", "reset-failed")


def test_a_person_s_rollback_is_final(store: Machine) -> None:
    switched(store, 1, 2)
    assert roll_back(store, "2-1").report["after"] == "1"
    assert product.state(store, "heald-return@2-1.timer") == "inactive"


@pytest.mark.parametrize(("operation", "between"), [("rollback", ""), ("drop-generations", "2-1"), ("rollback", "0-1"),
                                                    ("rollback", "4294967295-1")])
def test_a_call_that_makes_no_sense_is_refused(store: Machine, operation: str, between: str) -> None:
    switched(store, 1)
    assert product.heal(store, "HealSystem", operation, user="root", between=between).error in {"InvalidArgs", "Failed"}
    assert closure.current(store) == 1
