"""The traps of Restart= that docs/beside-systemd.md tells of, on this machine's systemd."""

import pytest

from machine import product
from machine.machine import Machine

DIES = "[Unit]\n{unit}\n[Service]\nExecStart=/bin/false\nRestart=on-failure\n{service}\n"


def restarts(machine: Machine, name: str) -> int:
    return int(product.state(machine, name, "NRestarts"))


@pytest.fixture
def given_up(bare: Machine) -> str:
    """A unit that systemd has given up."""
    product.add_unit(bare, "brief.service", DIES.format(unit="", service=""))
    bare.run("systemctl", "start", "brief.service", check=False)
    product.wait_until(lambda: product.state(bare, "brief.service") == "failed", "systemd has given it up")
    return "brief.service"


def test_with_the_built_in_values_systemd_gives_up_after_five_starts(bare: Machine, given_up: str) -> None:
    assert product.state(bare, given_up, "RestartUSec") == "100ms"
    assert product.state(bare, given_up, "StartLimitBurst") == "5"
    assert product.state(bare, given_up, "StartLimitIntervalUSec") == "10s"
    assert restarts(bare, given_up) == 5


def test_at_the_limit_a_person_is_refused_until_the_failure_is_forgotten(bare: Machine, given_up: str) -> None:
    refused = bare.run("systemctl", "start", given_up, check=False)
    assert refused.returncode
    assert "start-limit-hit" in refused.stderr or "repeated too quickly" in bare.journal("--unit", given_up)
    bare.run("systemctl", "reset-failed", given_up)
    assert restarts(bare, given_up) == 0
    bare.run("systemctl", "start", given_up, check=False)
    product.wait_until(lambda: restarts(bare, given_up) > 0, "it was started again")
    product.wait_until(lambda: product.state(bare, given_up) == "failed", "it has failed again")


@pytest.mark.long
def test_longer_waits_never_reach_the_limit_and_it_never_fails(bare: Machine) -> None:
    product.add_unit(bare, "loops.service", DIES.format(unit="", service="RestartSec=2500ms"))
    bare.run("systemctl", "start", "loops.service", check=False)
    product.wait_until(lambda: restarts(bare, "loops.service") > 7, "it was restarted more often than the limit allows")
    assert product.state(bare, "loops.service", "SubState") in {"auto-restart", "running", "dead", "start"}
    assert "loops.service" not in bare.run("systemctl", "list-units", "--failed", "--no-legend").stdout
    bare.run("systemctl", "stop", "loops.service")


def test_a_restart_of_a_failed_unit_bounces_who_requires_it_and_a_start_does_not(bare: Machine) -> None:
    product.add_service(bare, "base.service")
    product.add_service(bare, "above.service", unit="Requires=base.service\nAfter=base.service")
    for verb, bounced in (("start", False), ("restart", True)):
        product.kill(bare, "base.service")
        assert product.state(bare, "above.service") == "active"
        before = product.state(bare, "above.service", "InvocationID")
        bare.run("systemctl", verb, "base.service")
        product.wait_until(lambda: product.state(bare, "above.service") == "active", "it runs")
        assert (product.state(bare, "above.service", "InvocationID") != before) is bounced


def test_what_is_bound_goes_down_with_its_cause_and_stays_down(bare: Machine) -> None:
    product.add_service(bare, "cause.service", service="Restart=on-failure")
    product.add_service(bare, "bound.service", unit="BindsTo=cause.service\nAfter=cause.service",
                        service="Restart=on-failure")
    bare.run("systemctl", "kill", "--signal=KILL", "cause.service")
    product.wait_until(lambda: restarts(bare, "cause.service") == 1, "systemd has restarted the cause")
    product.wait_until(lambda: product.state(bare, "cause.service") == "active", "the cause is up again")
    product.wait_until(lambda: product.state(bare, "bound.service") == "inactive", "what is bound is down")
    assert product.state(bare, "bound.service", "Result") == "success"
