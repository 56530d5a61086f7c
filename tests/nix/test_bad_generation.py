"""A bad generation, from the switch to the way back, with the real daemon and a person at the command line."""

import json

from machine import product
from machine.machine import Machine
from nix import closure

GOOD = "[Service]\nExecStart=/usr/bin/sleep infinity\n"
BAD = "[Service]\nExecStart=/bin/sh -c 'sleep 0.1; exit 1'\n"
QUICK = '[limits]\npacing = ["0s", "1s"]\n'


def incidents(machine: Machine, subject: str = "web.service") -> list[dict[str, object]]:
    """Of one unit, the newest first."""
    found: list[dict[str, object]] = json.loads(machine.run("healctl", "history", "--json").stdout)["incidents"]
    return [incident for incident in found if incident["subject"] == subject]


def asked(machine: Machine) -> dict[str, object]:
    """The open incident in which a person is asked."""
    def found() -> list[dict[str, object]]:
        return [one for one in incidents(machine) if one["outcome"] == "asked" and one["closed"] is None]
    product.wait_until(lambda: bool(found()), "a person is asked")
    return found()[0]


def test_what_the_switch_broke_is_named_asked_about_and_mended_by_going_back(store: Machine) -> None:
    store.write("/etc/heald/heald.toml", QUICK)
    store.run("systemctl", "start", "heald.service")
    closure.switch(store, closure.build(store, "good", {"web.service": GOOD, "same.service": GOOD}))
    closure.switch(store, closure.build(store, "bad", {"web.service": BAD, "same.service": GOOD}), check=False)
    incident = asked(store)
    assert [action["operation"] for action in incident["actions"]] == ["service/start", "service/repair"]   # type: ignore[attr-defined]
    assert incident["next"]["target"] == "2-1"                      # type: ignore[index]
    shown = store.run("healctl", "status", check=False).stdout
    assert "asks before system/rollback 2-1, since generation 2 changed it" in shown
    assert "generation 2 of the system changed it" in store.run("healctl", "check", check=False).stdout
    healed = store.run("healctl", "heal", str(incident["id"]), check=False)
    assert closure.current(store) == 1, healed.stdout + healed.stderr
    product.wait_until(lambda: product.state(store, "web.service") == "active", "web.service runs again")
    assert store.read("/var/lib/heald-helper/known-bad").split() == ["2"]
    store.run("systemctl", "stop", "heald.service")


def test_a_yes_to_all_is_no_yes_to_a_rollback(store: Machine) -> None:
    closure.switch(store, closure.build(store, "good", {"web.service": GOOD}))
    closure.switch(store, closure.build(store, "bad", {"web.service": BAD}), check=False)
    product.wait_until(lambda: product.state(store, "web.service") == "failed", "web.service has failed")
    done = store.run("healctl", "heal", "--yes", check=False)
    assert (done.returncode, "asks before system/rollback 2-1" in done.stdout) == (1, True), done.stdout + done.stderr
    assert closure.current(store) == 2
    store.run("systemctl", "reset-failed")


def test_a_unit_that_the_switch_did_not_change_is_not_the_switch_s(store: Machine) -> None:
    store.write("/etc/heald/heald.toml", QUICK)
    closure.switch(store, closure.build(store, "one", {"web.service": GOOD, "same.service": GOOD}))
    closure.switch(store, closure.build(store, "two", {"web.service": GOOD + "Nice=1\n", "same.service": GOOD}))
    store.run("systemctl", "start", "heald.service")
    product.wait_until(lambda: product.state(store, "heald.service") == "active", "heald runs")
    store.run("systemctl", "kill", "--signal=KILL", "same.service")
    product.wait_until(lambda: "same.service" in store.run("healctl", "history").stdout, "it is in the history")
    product.wait_until(lambda: product.state(store, "same.service") == "active", "same.service runs again")
    assert "changed it" not in json.dumps(incidents(store, "same.service"))
    store.run("systemctl", "stop", "heald.service")
