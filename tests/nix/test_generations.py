"""Generations of NixOS, for real: what is dropped and what stays, and going back by a generation's own switch."""

import time

import pytest

from machine import product
from machine.machine import Machine
from nix import closure
from nix.closure import PROFILE

BOTH_MODES = True
MARKS = "/var/lib/heald-helper"


def system(machine: Machine, number: int, *, code: int = 0, command: str = "/usr/bin/sleep infinity") -> str:
    """A system whose one service says of which it is."""
    unit = f"[Service]\nType=exec\nEnvironment=OF={number}\nExecStart={command}\n"
    return closure.build(machine, str(number), {"web.service": unit}, code=code)


def switched(machine: Machine, *numbers: int) -> None:
    """A machine that was switched to each of these; the last is current, and the first was booted."""
    for number in numbers:
        closure.switch(machine, system(machine, number))
    machine.run("ln", "-sfn", machine.run("readlink", "-f", f"{PROFILE}-1-link").stdout.strip(), "/run/booted-system")


def roll_back(machine: Machine, between: str, user: str = "root") -> product.Answer:
    return product.heal(machine, "HealSystem", "rollback", user=user, between=between)


def drop(machine: Machine) -> product.Answer:
    return product.heal(machine, "HealSystem", "drop-generations", user="root")


def of(machine: Machine) -> str:
    """Of which system the service is that runs."""
    assert product.state(machine, "web.service") == "active"
    return product.state(machine, "web.service", "Environment").removeprefix("OF=")


def marked(machine: Machine, which: str) -> list[str]:
    return machine.read(f"{MARKS}/{which}").split() if machine.exists(f"{MARKS}/{which}") else []


def mark(machine: Machine, which: str, *numbers: int) -> None:
    machine.write(f"{MARKS}/{which}", "".join(f"{number}\n" for number in numbers))


def fill(machine: Machine, leave: str = "") -> None:
    """Not a byte is left on the store's file system, or so much."""
    machine.run("sh", "-c", "cat /dev/zero > /nix/filler", check=False)
    if leave:
        machine.run("truncate", f"--size=-{leave}", "/nix/filler")


def aged(machine: Machine, days: int = 90) -> None:
    machine.run("sh", "-c", f"touch --no-dereference --date='{days} days ago' {PROFILE}-*-link")


def test_what_is_old_is_dropped_and_what_is_needed_stays(store: Machine) -> None:
    """Of eleven: 1 was booted, 2 is known to be good, 4 is current, 3 is young; the newest five are 7 to 11."""
    switched(store, *range(1, 12))
    aged(store)
    store.run("nix-env", "-p", PROFILE, "--switch-generation", "4")
    store.run("ln", "-sfn", store.run("readlink", "-f", f"{PROFILE}-4-link").stdout.strip(), "/run/current-system")
    store.run("touch", "--no-dereference", f"{PROFILE}-3-link")
    mark(store, "known-good", 2)
    paths = {n: store.run("readlink", f"{PROFILE}-{n}-link").stdout.strip() for n in range(1, 12)}
    assert drop(store).error == "Healthy"
    fill(store)
    assert drop(store).report["state"] == "done"
    assert closure.generations(store) == [1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert [n for n, path in paths.items() if not store.exists(path)] == [5, 6]
    assert closure.current(store) == 4
    assert sorted(map(int, store.read("/boot/menu").split())) == [1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert drop(store).error == "Healthy"       # there is nothing old any more


def test_root_s_own_numbers_hold(store: Machine) -> None:
    switched(store, 1, 2, 3, 4)
    aged(store, days=3)
    fill(store, leave="1M")
    assert drop(store).error == "Healthy"
    store.write("/etc/heald/helper.toml", "keep_generations = 1\nkeep_days = 2\n")
    assert drop(store).report["state"] == "done"
    assert closure.generations(store) == [1, 4]


@pytest.mark.parametrize("operation", ["collect-garbage", "drop-generations", "rollback"])
def test_with_a_profile_that_leads_nowhere_nothing_is_touched(store: Machine, operation: str) -> None:
    """Nix would take every generation for garbage."""
    switched(store, *range(1, 8))
    aged(store)
    store.run("ln", "-sfn", "system-99-link", PROFILE)
    store.run("rm", "/run/current-system", "/run/booted-system")
    fill(store)
    before = store.run("ls", "/nix/store").stdout
    answer = product.heal(store, "HealSystem", operation, user="root",
                          between="99-1" if operation == "rollback" else "")
    assert (answer.error, "leads to no generation" in answer.text) == ("Failed", True)
    unit = "heald-rollback@99-1.service" if operation == "rollback" else f"heald-{operation}.service"
    assert store.run("systemctl", "start", unit, check=False).returncode       # root's program sees it too
    assert store.run("ls", "/nix/store").stdout == before
    assert closure.generations(store) == list(range(1, 8))
    store.run("systemctl", "reset-failed")


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
    assert (of(store), closure.current(store)) == ("2", 2)
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


def test_a_generation_that_was_booted_and_well_for_an_hour_is_known_to_be_good(store: Machine) -> None:
    def look() -> None:
        store.run("systemctl", "start", "heald-known-good.service")
    switched(store, 1)
    since = "/run/heald-known-good/since"
    hour_ago = f"1 {time.clock_gettime(time.CLOCK_BOOTTIME) - 3601:.0f}"
    store.run("systemctl", "reset-failed")
    look()
    assert store.read(since).startswith("1 ")
    look()
    assert marked(store, "known-good") == []
    store.write(since, hour_ago)
    product.add_unit(store, "broken.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n")
    store.run("systemctl", "start", "broken.service", check=False)
    look()
    assert (marked(store, "known-good"), store.exists(since)) == ([], False)
    store.run("systemctl", "reset-failed")
    store.write(since, hour_ago)
    closure.switch(store, system(store, 2))                     # not the one that was booted
    look()
    assert marked(store, "known-good") == []
    store.run("nix-env", "-p", PROFILE, "--switch-generation", "1")
    store.run(f"{PROFILE}/bin/switch-to-configuration", "switch")
    mark(store, "known-bad", 1, 2)
    store.write(since, hour_ago)
    look()
    assert (marked(store, "known-good"), marked(store, "known-bad")) == (["1"], ["2"])
