"""The root helper on a real system bus, authorized by a real polkitd, acting through a real systemd."""

import json

import pytest

from machine import product
from machine.machine import Machine
from version import VERSION

BOTH_MODES = True


@pytest.fixture(autouse=True, scope="module")
def allowed(machine: Machine) -> None:
    """What root's own file allows; read when the helper starts."""
    machine.write("/etc/heald/helper.toml", 'may_restart = ["mine-*.service"]\nrun = ["reindex", "absent"]\n')
    for name in ("reindex", "unlisted"):
        product.add_unit(machine, f"heald-run-{name}.service",
                         f"[Service]\nType=oneshot\nExecStart=/usr/bin/touch /run/ran-{name}\n")


def test_the_helper_is_who_it_was_installed_to_be(machine: Machine, mode: str) -> None:
    product.heal(machine, "HealService", "start", "no-such.service")
    process = product.state(machine, "heald-helper.service", "MainPID")
    assert machine.run("stat", "--format=%U", f"/proc/{process}").stdout == (
        "_heald-helper\n" if mode else "root\n")


def test_what_a_call_costs(machine: Machine, mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    product.add_service(machine, "mine-cost.service", unit="StartLimitIntervalSec=0")
    costs = ("/usr/bin/python3", "-I", f"{product.SOURCE}/tests/machine/costs.py", "mine-cost.service")
    with capsys.disabled():
        print(f"\nwhat a call costs, helper as {'_heald-helper' if mode else 'uid 0'}: "
              f"{machine.run(*costs).stdout.strip()}")


@pytest.mark.parametrize("user", ["nobody", "_heald", "root"])
def test_everyone_may_see_the_three_methods(machine: Machine, user: str) -> None:
    shown = machine.run("busctl", "introspect", "org.heald.Helper1", "/org/heald/Helper1", user=user).stdout
    methods = [line.split() for line in shown.splitlines() if " method " in line and line.startswith(".Heal")]
    assert sorted(name for name, *_ in methods) == [".HealResource", ".HealService", ".HealSystem"]
    assert {(takes, gives) for _, _, takes, gives, *_ in methods} == {("ssa{sv}", "a{sv}")}
    assert "/org/heald/Helper1" in machine.run("busctl", "--list", "tree", "org.heald.Helper1", user=user).stdout


def test_properties_name_what_this_machine_supports(machine: Machine) -> None:
    read = ("busctl", "--json=short", "get-property", "org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1")
    shown = machine.run(*read, "Operations", "Version", user="nobody").stdout.splitlines()
    operations, version = (json.loads(line)["data"] for line in shown)
    nix = {f"system/{operation}" for operation in (
        "collect-garbage", "drop-generations", "verify-store", "optimise-store", "rollback")}
    assert set(operations) - nix == {"service/start", "service/repair", "service/restart", "service/reload",
                               "resource/unlimit", "resource/vacuum-journal", "resource/clean-temporary",
                               "resource/clean-packages", "system/restore-permissions", "system/trim", "system/run"}
    assert version == VERSION


def test_a_killed_service_runs_again(machine: Machine) -> None:
    product.add_service(machine, "killed.service")
    product.kill(machine, "killed.service")
    answer = product.heal(machine, "HealService", "start", "killed.service")
    assert answer.report == {"state": "done", "unit": "killed.service", "result": "success", "before": "failed",
                             "after": "active"}
    assert product.state(machine, "killed.service") == "active"


def test_the_first_call_starts_the_helper_and_the_next_one_finds_it(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald-helper.service")
    for name in ("cold.service", "warm.service"):
        product.add_service(machine, name)
        product.kill(machine, name)
    assert product.heal(machine, "HealService", "start", "cold.service").report["after"] == "active"
    process = product.state(machine, "heald-helper.service", "MainPID")
    assert product.heal(machine, "HealService", "start", "warm.service").report["after"] == "active"
    assert product.state(machine, "heald-helper.service", "MainPID") == process


def test_a_healthy_unit_that_requires_the_ill_one_is_not_bounced(machine: Machine) -> None:
    product.add_service(machine, "back.service")
    product.add_service(machine, "front.service", unit="Requires=back.service\nAfter=back.service")
    run = product.state(machine, "front.service", "InvocationID")
    product.kill(machine, "back.service")
    assert product.heal(machine, "HealService", "start", "back.service").report["after"] == "active"
    assert product.state(machine, "front.service", "InvocationID") == run


def test_repair_starts_what_the_unit_requires_first(machine: Machine) -> None:
    product.add_service(machine, "base.service")
    product.add_service(machine, "top.service", unit="Requires=base.service\nAfter=base.service")
    product.kill(machine, "base.service")
    product.kill(machine, "top.service")
    assert product.heal(machine, "HealService", "repair", "top.service").report["after"] == "active"
    assert product.state(machine, "base.service") == "active"


def test_a_unit_at_its_start_limit_is_started(machine: Machine) -> None:
    product.add_service(machine, "limited.service", unit="StartLimitBurst=1\nStartLimitIntervalSec=1h")
    product.kill(machine, "limited.service")
    refused = machine.run("systemctl", "start", "limited.service", check=False)
    assert refused.returncode, "the unit is not at its limit: the test shows nothing"
    assert product.heal(machine, "HealService", "start", "limited.service").report["after"] == "active"


def test_a_start_that_fails_is_told_with_the_result_of_systemd(machine: Machine) -> None:
    product.add_unit(machine, "broken.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n")
    machine.run("systemctl", "start", "broken.service", check=False)
    answer = product.heal(machine, "HealService", "start", "broken.service")
    assert answer.error == "Failed"
    assert "exit-code" in answer.text
    assert "\n" not in answer.text


def test_only_the_ill_are_healed(machine: Machine) -> None:
    product.add_service(machine, "well.service")
    run = product.state(machine, "well.service", "InvocationID")
    for user in ("_heald", "root"):
        for operation in ("start", "repair"):
            assert product.heal(machine, "HealService", operation, "well.service", user=user).error == "Healthy"
    assert product.state(machine, "well.service", "InvocationID") == run
    assert product.heal(machine, "HealSystem", "restore-permissions").error == "Healthy"


def test_a_unit_that_a_person_stopped_stays_stopped(machine: Machine) -> None:
    product.add_service(machine, "mine-stopped.service")
    machine.run("systemctl", "stop", "mine-stopped.service")
    assert product.heal(machine, "HealService", "start", "mine-stopped.service").error == "Healthy"
    assert product.heal(machine, "HealService", "restart", "mine-stopped.service").error == "Healthy"
    assert product.state(machine, "mine-stopped.service") == "inactive"


def test_restart_is_for_what_root_listed(machine: Machine) -> None:
    product.add_service(machine, "mine-a.service")
    product.add_service(machine, "other.service")
    run = product.state(machine, "mine-a.service", "InvocationID")
    assert product.heal(machine, "HealService", "restart", "mine-a.service").report["after"] == "active"
    assert product.state(machine, "mine-a.service", "InvocationID") != run
    for user in ("_heald", "root"):
        assert product.heal(machine, "HealService", "restart", "other.service", user=user).error == "AccessDenied"


@pytest.mark.parametrize("needs", ["Requires=no-such-thing.service", "Requires=hidden.service"])
def test_a_start_that_systemd_refuses_leaves_it_failed(machine: Machine, needs: str) -> None:
    machine.run("systemctl", "mask", "--quiet", "hidden.service")
    product.add_service(machine, "lame.service")
    product.kill(machine, "lame.service")
    product.add_service(machine, "lame.service", unit=needs, start=False)
    for operation in ("start", "repair"):
        assert product.heal(machine, "HealService", operation, "lame.service").error == "Failed"
        assert product.state(machine, "lame.service") == "failed"


def test_a_start_that_would_stop_another_unit_is_refused(machine: Machine) -> None:
    product.add_service(machine, "rival.service")
    product.add_service(machine, "loser.service", unit="Conflicts=rival.service", start=False)
    machine.run("systemctl", "start", "loser.service")
    product.kill(machine, "loser.service")
    machine.run("systemctl", "start", "rival.service")
    assert product.heal(machine, "HealService", "start", "loser.service").error == "Protected"
    assert product.state(machine, "rival.service") == "active"


def test_a_service_that_the_bus_starts_by_an_alias_is_healed(machine: Machine) -> None:
    product.add_service(machine, "radio.service", service="[Install]\nAlias=dbus-org.example.Radio.service")
    machine.run("systemctl", "enable", "--quiet", "radio.service")
    product.kill(machine, "radio.service")
    assert product.heal(machine, "HealService", "start", "radio.service").report["after"] == "active"


def test_one_connection_of_a_socket_is_nobody_s_to_start(machine: Machine) -> None:
    product.add_unit(machine, "echo@.service", "[Service]\nExecStart=/bin/false\nStandardInput=socket\n")
    product.add_unit(machine, "echo.socket", "[Socket]\nListenStream=/run/echo.sock\nAccept=yes\n")
    machine.run("systemctl", "start", "echo.socket")
    machine.run("python3", "-c", "import socket; socket.socket(socket.AF_UNIX).connect('/run/echo.sock')")

    def failed() -> list[str]:
        return [line.split()[0] for line in machine.run("systemctl", "list-units", "--failed", "--plain", "--no-legend",
                                                        "echo@*").stdout.splitlines()]
    product.wait_until(lambda: bool(failed()), "the service of the connection has failed")
    machine.run("systemctl", "daemon-reload")
    assert product.heal(machine, "HealService", "start", failed()[0]).error == "Protected"


@pytest.mark.parametrize("user", ["nobody", "daemon"])
def test_a_caller_without_leave_is_refused_and_nothing_happens(machine: Machine, user: str) -> None:
    product.add_service(machine, "coveted.service")
    product.kill(machine, "coveted.service")
    answer = product.heal(machine, "HealService", "start", "coveted.service", user=user)
    assert answer.error == "InteractiveAuthorizationRequired"
    assert "\n" not in answer.text
    assert product.state(machine, "coveted.service") == "failed"


@pytest.mark.parametrize(("method", "operation", "target", "error"), [
    ("HealService", "start", "dbus.service", "Protected"),
    ("HealService", "start", "systemd-journald.service", "Protected"),
    ("HealService", "start", "heald.service", "Protected"),
    ("HealService", "start", "no-such.service", "InvalidArgs"),
    ("HealService", "start", "killed.service\n", "InvalidArgs"),
    ("HealService", "start", "", "InvalidArgs"),
    ("HealService", "explode", "killed.service", "InvalidArgs"),
    ("HealResource", "vacuum-journal", "/", "InvalidArgs"),
    ("HealSystem", "run", "../reindex", "InvalidArgs"),
    ("HealSystem", "run", "unlisted", "AccessDenied"),
])
def test_a_wrong_call_has_its_own_error(
        machine: Machine, method: str, operation: str, target: str, error: str) -> None:
    answer = product.heal(machine, method, operation, target)
    assert answer.error == error
    assert "Traceback" not in answer.text


def test_wrong_permissions_are_restored(machine: Machine) -> None:
    machine.run("chmod", "755", "/tmp")
    assert product.heal(machine, "HealSystem", "restore-permissions").report["state"] == "done"
    assert machine.run("stat", "--format=%a %U", "/tmp").stdout == "1777 root\n"


def test_a_repair_of_the_administrator_is_run_by_its_name(machine: Machine) -> None:
    report = product.heal(machine, "HealSystem", "run", "reindex").report
    assert (report["unit"], report["state"]) == ("heald-run-reindex.service", "done")
    assert machine.exists("/run/ran-reindex")
    assert not machine.exists("/run/ran-unlisted")
    assert product.heal(machine, "HealSystem", "run", "absent").error == "NotSupported"


def test_the_fourth_repair_of_one_unit_is_refused_also_by_the_next_helper(machine: Machine) -> None:
    product.add_service(machine, "often.service")
    for _ in range(3):
        product.kill(machine, "often.service")
        assert product.heal(machine, "HealService", "start", "often.service").report["after"] == "active"
    machine.run("systemctl", "stop", "heald-helper.service")
    product.kill(machine, "often.service")
    assert product.heal(machine, "HealService", "start", "often.service").error == "LimitsExceeded"
    assert product.heal(machine, "HealService", "start", "often.service", user="root").report["after"] == "active"
