"""Generations of NixOS, for real: what is dropped and what stays, and which are known to be good."""

import time

import pytest

from machine import product
from machine.machine import Machine
from nix import closure
from nix.closure import PROFILE, fill, mark, marked, switched, system

BOTH_MODES = True


def drop(machine: Machine) -> product.Answer:
    return product.heal(machine, "HealSystem", "drop-generations", user="root")


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
