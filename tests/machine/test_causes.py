"""Units that fall ill together, in a real systemd: causes first, nothing else is touched, one incident."""

import json
import time

import pytest

from machine import product
from machine.healctl import healctl
from machine.machine import Machine

MANY = 50
HELPER = "[limits]\nper_hour = 10000\nburst = 100\n"
"""Root counts starts of the controller, 60 in an hour: a storm of a hundred units is more than that."""
SLEEPS = "ExecStart=/usr/bin/sleep infinity\n"


@pytest.fixture(autouse=True)
def daemon(machine: Machine, clean: None) -> None:
    """heald.service runs with the settings that it has by default."""
    machine.write("/etc/heald/helper.toml", HELPER)
    machine.run("systemctl", "start", "heald.service")


def incidents(machine: Machine) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(healctl(machine, "history", "--json").stdout)["incidents"]
    return found


def states(machine: Machine, *names: str) -> list[str]:
    return machine.run("systemctl", "is-active", *names, check=False).stdout.split()


def runs(machine: Machine) -> dict[str, str]:
    """The InvocationID of every unit that is active: it changes when one is started anew."""
    shown = machine.run("systemctl", "show", "--property=Id,InvocationID,ActiveState", "*.service", "*.socket").stdout
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.split("\n\n") if block]
    return {b["Id"]: b["InvocationID"] for b in blocks if b["ActiveState"] == "active"}


def test_a_required_unit_takes_two_others_with_it(machine: Machine) -> None:
    """They come back, and nothing else is touched: neither a bystander, nor one that merely wants it."""
    product.add_service(machine, "db.service")
    product.add_service(machine, "one.service", unit="BindsTo=db.service\nAfter=db.service",
                        service="[Install]\nWantedBy=multi-user.target")
    product.add_service(machine, "two.service", unit="Requires=db.service\nAfter=db.service",
                        service="ExecStopPost=/usr/bin/false")
    product.add_service(machine, "requires.service", unit="Requires=db.service\nAfter=db.service")
    product.add_service(machine, "bystander.service")
    product.add_service(machine, "wants.service", unit="Wants=db.service\nAfter=db.service")
    product.add_unit(machine, "two.service.d/bind.conf", "[Unit]\nBindsTo=db.service\n")
    machine.run("systemctl", "enable", "one.service")
    before = runs(machine)
    machine.run("systemctl", "kill", "--signal=KILL", "db.service")
    product.wait_until(lambda: states(machine, "db.service", "one.service", "two.service") == ["active"] * 3, "all up")
    product.wait_until(lambda: incidents(machine)[0]["outcome"] == "healed", "it is told")
    after = runs(machine)
    assert {name for name in before if before[name] != after.get(name)} - {"heald-helper.service"} == {
        "db.service", "one.service", "two.service"}
    [incident] = incidents(machine)
    assert (incident["subject"], incident["outcome"]) == ("db.service", "healed")


def test_systemd_heals_the_cause_and_heald_what_fell_with_it(machine: Machine) -> None:
    """Whoever healed that: Restart= brings the cause back, and leaves down what was bound to it."""
    machine.write("/etc/heald/heald.toml", '[sense]\ninterval = "1s"\n')
    machine.run("systemctl", "reload", "heald.service")
    product.add_service(machine, "queue.service", service="Restart=always\nRestartSec=2s")
    product.add_service(machine, "worker.service", unit="BindsTo=queue.service\nAfter=queue.service",
                        service="[Install]\nWantedBy=multi-user.target")
    product.add_service(machine, "idle.service", start=False, unit="BindsTo=queue.service\nAfter=queue.service")
    machine.run("systemctl", "enable", "worker.service")
    machine.run("systemctl", "kill", "--signal=KILL", "queue.service")
    product.wait_until(lambda: states(machine, "worker.service") == ["inactive"], "it fell")
    product.wait_until(lambda: states(machine, "queue.service", "worker.service") == ["active"] * 2, "both are up")
    product.wait_until(lambda: bool(incidents(machine)), "it is told")
    [incident] = incidents(machine)
    assert (incident["kind"], incident["subject"]) == ("unit-blocked", "worker.service")
    assert states(machine, "idle.service") == ["inactive"]      # nobody wants it


@pytest.mark.long
def test_a_job_that_ended_well_is_not_run_again_when_what_it_requires_came_back(machine: Machine) -> None:
    """A oneshot was never up, so that its stamps are those of a unit that could not start at boot."""
    product.add_service(machine, "store.service", service="Restart=always\nRestartSec=100ms")
    product.add_unit(machine, "migrate.service", "[Unit]\nRequires=store.service\nAfter=store.service\n[Service]\n"
                     "Type=oneshot\nExecStart=/bin/sh -c 'echo once >> /run/migrated'\n"
                     "[Install]\nWantedBy=multi-user.target\n")
    machine.run("systemctl", "enable", "--now", "migrate.service")
    machine.run("systemctl", "kill", "--signal=KILL", "store.service")
    product.wait_until(lambda: product.state(machine, "store.service", "NRestarts") == "1", "systemd restarted it")
    product.add_service(machine, "marker.service")
    product.kill(machine, "marker.service")
    product.wait_until(lambda: incidents(machine)[0]["outcome"] == "healed", "heald has looked since")
    assert product.heal(machine, "HealService", "start", "migrate.service", user="root").error == "Healthy"
    assert machine.read("/run/migrated") == "once\n"
    assert [one["subject"] for one in incidents(machine)] == ["marker.service"]


def test_fifty_bound_and_fifty_that_failed_with_it(machine: Machine) -> None:
    """All back within 90 s of one kill, in one incident."""
    head = f"[Unit]\nBindsTo=cause.service\nAfter=cause.service\n[Service]\n{SLEEPS}"
    machine.write("/etc/systemd/system/bound@.service", f"{head}[Install]\nWantedBy=multi-user.target\n")
    machine.write("/etc/systemd/system/fails@.service", f"{head}ExecStopPost=/usr/bin/false\n")
    product.add_service(machine, "cause.service")
    bound = [f"bound@{n}.service" for n in range(MANY)]
    fails = [f"fails@{n}.service" for n in range(MANY)]
    machine.run("systemctl", "enable", "--quiet", *bound)
    machine.run("systemctl", "start", *bound, *fails)
    began = time.monotonic()
    machine.run("systemctl", "kill", "--signal=KILL", "cause.service")
    product.wait_until(lambda: "failed" in states(machine, *fails), "they went down with it")
    product.wait_until(lambda: set(states(machine, "cause.service", *bound, *fails)) == {"active"}, "all are up", 90)
    print(f"all back after {time.monotonic() - began:.1f} s")
    [incident] = incidents(machine)
    assert incident["subject"] == "cause.service"
    actions = incident["actions"]
    assert isinstance(actions, list)
    assert actions[0]["target"] == "cause.service"
    assert sorted(a["target"] for a in actions) == sorted(["cause.service", *bound, *fails])
    assert {a["result"] for a in actions} == {"done"}
