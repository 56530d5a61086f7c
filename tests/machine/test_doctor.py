"""`healctl doctor`: a well machine is called well; what is broken in it is named, with the line that mends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from machine import product
from machine.healctl import document, healctl
from machine.machine import Machine

RULES = "/usr/share/polkit-1/rules.d/50-heald.rules"
ACTIONS = "/usr/share/polkit-1/actions/org.heald.policy"
POLICIES = [f"/usr/share/dbus-1/system.d/org.heald.{name}.conf" for name in ("Helper1", "Controller1")]
PROBE = '[[probe]]\nunit = "shop.service"\ntcp = "192.0.2.7:80"\n'

Check = dict[str, Any]


@pytest.fixture(autouse=True)
def well(clean: None, machine: Machine) -> None:
    machine.run("systemctl", "enable", "--quiet", "--now", "heald.service")


def examined(machine: Machine, user: str | None = None, **environment: str) -> tuple[dict[str, Check], int]:
    """Each check by its name, and the exit code."""
    done = healctl(machine, "doctor", "--json", user=user, **environment)
    assert done.stderr == ""
    return {check["name"]: check for check in document(done)["checks"]}, done.returncode


def wrong(checks: dict[str, Check]) -> dict[str, Check]:
    return {name: check for name, check in checks.items() if check["state"] == "wrong"}


@contextmanager
def away(machine: Machine, file: str) -> Iterator[None]:
    """While this lasts there is no such file."""
    machine.run("mv", file, f"{file}.away")
    try:
        yield
    finally:
        machine.run("mv", f"{file}.away", file)


def test_a_well_machine_is_well(machine: Machine) -> None:
    checks, code = examined(machine)
    assert (wrong(checks), code) == ({}, 0)
    assert all(check.keys() == {"name", "state", "detail", "fix"} for check in checks.values())
    assert {name for name, check in checks.items() if check["state"] == "ok"} >= {
        "configuration", "system bus", "systemd", "polkit", "polkit actions", "helper", "daemon", "at boot", "network",
        "polkit rules", "bus policy", "users", "journal", "rsync", "password agent"}
    assert {checks[name]["state"] for name in ("pressure", "sensors")} == {"absent"}     # a container's are its host's
    told = healctl(machine, "doctor").stdout
    assert told.startswith("heald ")
    assert "all is well" in told.splitlines()[0]
    assert all(check["detail"] in told for check in checks.values())


def test_who_is_not_root_is_told_what_could_not_be_seen(machine: Machine) -> None:
    checks, code = examined(machine, user="nobody")
    assert (wrong(checks), code) == ({}, 0)
    assert {name for name, check in checks.items() if check["state"] == "unknown"} == {"polkit rules", "journal"}
    assert checks["polkit rules"]["fix"] == "sudo healctl doctor"


def test_polkit_is_masked(machine: Machine) -> None:
    machine.run("systemctl", "mask", "--quiet", "--now", "polkit.service")
    try:
        checks, code = examined(machine)
    finally:
        machine.run("systemctl", "unmask", "--quiet", "polkit.service")
    assert (set(wrong(checks)), code) == ({"polkit", "polkit actions"}, 4)
    assert checks["polkit"]["fix"] == "systemctl unmask polkit.service"


def test_polkit_s_rules_are_missing(machine: Machine) -> None:
    with away(machine, RULES):
        checks, code = examined(machine)
    assert (set(wrong(checks)), code) == ({"polkit rules"}, 1)
    assert checks["polkit rules"]["fix"] == "make install"


def test_the_bus_s_policy_is_missing(machine: Machine) -> None:
    with away(machine, POLICIES[0]), away(machine, POLICIES[1]):
        product.wait_until(lambda: set(wrong(examined(machine)[0])) == {"bus policy", "helper", "daemon"},
                           "the bus has seen that it is gone")
        checks, code = examined(machine)
    assert code == 4
    assert {check["fix"] for check in wrong(checks).values()} == {"make install; systemctl reload dbus.service"}
    product.wait_until(lambda: examined(machine)[1] == 0, "the bus has it again")


def test_polkit_does_not_know_the_actions(machine: Machine) -> None:
    with away(machine, ACTIONS):
        product.wait_until(lambda: "polkit actions" in wrong(examined(machine)[0]), "polkit has seen it")
        checks, code = examined(machine)
    assert code == 1
    assert "org.heald.helper.run, org.heald.helper.service" in checks["polkit actions"]["detail"]
    product.wait_until(lambda: examined(machine)[1] == 0, "polkit knows them again")


def test_the_helper_is_out_of_reach(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald-helper.service")
    machine.run("systemctl", "mask", "--quiet", "--runtime", "heald-helper.service")
    try:
        checks, code = examined(machine)
    finally:
        machine.run("systemctl", "unmask", "--quiet", "--runtime", "heald-helper.service")
    assert (set(wrong(checks)), code) == ({"helper"}, 4)
    assert checks["helper"]["fix"] == "systemctl unmask heald-helper.service"


def test_a_helper_without_root_needs_rules_of_its_own(machine: Machine) -> None:
    folder, rules = "/etc/systemd/system/heald-helper.service.d", "/etc/polkit-1/rules.d/60-heald-helper.rules"
    machine.run("mkdir", folder)
    machine.run("cp", "/usr/share/doc/heald/own-user/own-user.conf", folder)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "stop", "heald-helper.service")
    try:
        checks, code = examined(machine)
        assert checks["helper"]["detail"].endswith("answers, without root")
        assert (set(wrong(checks)), code) == ({"helper's rules"}, 1)
        assert checks["helper's rules"]["fix"] == "make install OWN_USER=1"
        machine.run("cp", "/usr/share/doc/heald/own-user/60-heald-helper.rules", rules)
        assert examined(machine)[1] == 0
    finally:
        machine.run("rm", "-rf", folder, rules)
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "stop", "heald-helper.service")


def test_no_daemon_runs_and_none_will_after_a_boot(machine: Machine) -> None:
    machine.run("systemctl", "disable", "--quiet", "--now", "heald.service")
    checks, code = examined(machine)
    assert (set(wrong(checks)), code) == ({"daemon"}, 4)
    assert checks["daemon"]["fix"] == "systemctl enable --now heald.service"
    assert (checks["at boot"]["state"], checks["at boot"]["fix"]) == ("absent", "systemctl enable heald.service")


def test_there_is_no_bus(machine: Machine) -> None:
    checks, code = examined(machine, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/run/nowhere")
    assert (set(wrong(checks)), code) == ({"system bus"}, 4)
    assert checks["system bus"]["fix"] == "systemctl start dbus.socket"


def test_the_configuration_is_wrong(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", "mod = 'auto'\n")
    checks, code = examined(machine)
    assert (set(wrong(checks)), code) == ({"configuration"}, 2)
    assert 'did you mean "mode"?' in checks["configuration"]["detail"]


def test_a_probe_beyond_this_machine_needs_root_s_word(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", PROBE)
    checks, code = examined(machine)
    assert (set(wrong(checks)), code) == ({"network"}, 1)
    assert "IPAddressAllow=192.0.2.7 into /etc/systemd/system/heald.service.d/network.conf" in checks["network"]["fix"]
    machine.write("/etc/systemd/system/heald.service.d/network.conf", "[Service]\nIPAddressAllow=192.0.2.0/24\n")
    machine.run("systemctl", "daemon-reload")
    assert examined(machine)[1] == 0
    machine.run("rm", "-r", "/etc/systemd/system/heald.service.d")
    machine.run("systemctl", "daemon-reload")


def test_a_prometheus_beyond_this_machine_does_too(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml",
                  '[metrics]\nenable = true\n[fleet]\nprometheus = "http://192.0.2.10:9090"\n')
    checks, code = examined(machine)
    assert (set(wrong(checks)), code) == ({"network", "fleet"}, 1)
    assert checks["fleet"]["detail"] == "Prometheus at http://192.0.2.10:9090 cannot be asked: Network is unreachable"
    assert checks["network"]["detail"] == "heald.service may not reach 192.0.2.10, which a probe or [fleet] asks"
    assert "IPAddressAllow=192.0.2.10 into" in checks["network"]["fix"]


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.9"])      # noqa: S104  what is configured, nothing listens
def test_metrics_that_are_asked_from_beyond_this_machine_need_root_s_word(machine: Machine, address: str) -> None:
    machine.write("/etc/heald/heald.toml", f'[metrics]\nenable = true\naddress = "{address}"\n{PROBE}')
    checks, code = examined(machine)
    assert (set(wrong(checks)), code) == ({"network"}, 1)
    assert address in checks["network"]["detail"]
    assert "IPAddressAllow=192.0.2.7 PROMETHEUS into" in checks["network"]["fix"]
    machine.write("/etc/systemd/system/heald.service.d/network.conf", "[Service]\nIPAddressAllow=192.0.2.0/24\n")
    machine.run("systemctl", "daemon-reload")
    checks, code = examined(machine)
    machine.run("rm", "-r", "/etc/systemd/system/heald.service.d")
    machine.run("systemctl", "daemon-reload")
    assert (checks["network"]["state"], code) == ("ok", 0)
    assert checks["network"]["detail"].endswith(f"answers at {address}")


def test_users_and_programs_are_missing(machine: Machine) -> None:
    with away(machine, "/etc/passwd"), away(machine, "/usr/bin/rsync"), away(machine, "/usr/bin/pkttyagent"):
        machine.run("sh", "-c", "grep -v _heald-helper /etc/passwd.away > /etc/passwd")
        checks, code = examined(machine)
        machine.run("rm", "/etc/passwd")
    assert (set(wrong(checks)), code) == ({"users"}, 1)
    assert (checks["users"]["detail"], checks["users"]["fix"]) == ("there is no user _heald-helper", "systemd-sysusers")
    assert checks["rsync"]["fix"] == "apt install rsync"
    assert checks["password agent"]["state"] == "absent"
