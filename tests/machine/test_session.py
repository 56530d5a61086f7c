"""heald-session.service: a person's own units are healed by their own systemd, with nobody's rights but theirs."""

import pytest

from machine import product
from machine.machine import Machine
from machine.session import Person, add_person

pytestmark = pytest.mark.long

SERVICE = "heald-session.service"
ASKS = """\
[[rule]]
name = "asks"
kind = "unit-failed"
subject = "asked.service"
mode = "ask"
ladder = ["service/start"]
"""


@pytest.fixture(scope="module")
def bob(machine: Machine) -> Person:
    """No administrator; logged in, with heald for his own units."""
    machine.run("systemctl", "--global", "enable", "--quiet", SERVICE)
    bob = add_person(machine, "bob", 1501, administrator=False)
    machine.write("/home/bob/.config/heald/heald.toml", ASKS)
    machine.run("chown", "-R", "bob:", "/home/bob")
    bob.logs_in()
    product.wait_until(lambda: bob.state(SERVICE) == "active", "heald heals his session")
    return bob


def heals(bob: Person, unit: str) -> None:
    product.wait_until(lambda: bob.state(unit) == "active" and f"{unit}: healed" in bob.journal(SERVICE),
                       f"{unit} was healed")


def asked(bob: Person, operation: str, target: str) -> tuple[str, str]:
    """State and detail of what systemd did for OwnManager."""
    done = bob.run("/usr/bin/python3", "-I", f"{product.SOURCE}/tests/machine/own.py", operation, target)
    state, _, detail = done.stdout.strip().partition(": ")
    return state, detail


def test_a_failed_unit_of_his_own_is_healed_with_his_own_rights(machine: Machine, bob: Person) -> None:
    bob.add_service("notes.service")
    before = bob.state("notes.service", "InvocationID")
    bob.kill("notes.service")
    heals(bob, "notes.service")
    assert bob.state("notes.service", "InvocationID") != before
    assert "notes.service" in bob.property("Incidents")
    assert product.state(machine, "heald-helper.service") == "inactive"     # root had no part in it
    pid = bob.state(SERVICE, "MainPID")
    assert machine.run("stat", "--format=%U", f"/proc/{pid}").stdout == "bob\n"


def test_a_start_limit_is_no_obstacle(bob: Person) -> None:
    bob.add_service("limited.service", unit="StartLimitBurst=1\nStartLimitIntervalSec=1h")
    bob.kill("limited.service")
    heals(bob, "limited.service")


def test_a_repair_starts_what_is_required_first(bob: Person) -> None:
    bob.systemctl("stop", SERVICE)
    bob.add_service("lower.service")
    bob.add_service("upper.service", unit="Requires=lower.service\nAfter=lower.service")
    bob.kill("lower.service")
    bob.kill("upper.service")
    product.wait_until(lambda: {bob.state("lower.service"), bob.state("upper.service")} == {"failed"}, "both failed")
    assert asked(bob, "service/repair", "upper.service") == ("done", "failed -> active")
    assert bob.state("lower.service") == "active"
    bob.systemctl("start", SERVICE)


@pytest.mark.parametrize(("operation", "unit", "state"), [
    ("service/start", "well.service", "Healthy"),
    ("service/restart", "well.service", "done"),
    ("service/restart", "no-such.service", "Protected"),
    ("service/start", "dbus.service", "Protected"),
    ("service/start", "init.scope", "Protected"),
    ("service/start", "by-a-program.service", "Protected"),
    ("service/start", "app-editor.service", "Protected"),
    ("service/start", "broken.service", "Failed"),
    ("service/start", "conditional.service", "unchanged"),
    ("resource/vacuum-journal", "", "NotSupported"),
    ("system/restore-permissions", "", "NotSupported"),
])
def test_as_root_does_it_looks_before_it_acts(bob: Person, operation: str, unit: str, state: str) -> None:
    bob.systemctl("stop", SERVICE)
    bob.add_service("well.service")
    bob.add_service("app-editor.service")
    bob.add_service("broken.service", "Type=exec\nExecStart=/no/such/program")
    bob.add_service("conditional.service")
    bob.kill("conditional.service")
    product.wait_until(lambda: bob.state("conditional.service") == "failed", "conditional.service is failed")
    bob.add_service("conditional.service", unit="ConditionPathExists=/no/such/path", start=False)
    bob.run("systemd-run", "--user", "--quiet", "--unit=by-a-program", "false", check=False)
    assert asked(bob, operation, unit)[0] == state
    bob.systemctl("reset-failed")
    bob.systemctl("start", SERVICE)


def test_a_unit_that_he_stopped_stays_stopped_also_if_it_failed(bob: Person) -> None:
    bob.add_service("stubborn.service",
                    "ExecStart=/bin/sh -c 'trap \"exit 3\" TERM; touch %t/ready; while :; do sleep 0.1; done'")
    product.wait_until(lambda: bob.run("test", "-e", "/run/user/1501/ready", check=False).returncode == 0, "it is up")
    bob.systemctl("stop", "stubborn.service")
    product.wait_until(lambda: "stopped:" in bob.journal(SERVICE), "heald stood back")
    assert bob.state("stubborn.service") == "failed"


def test_a_rule_of_his_own_that_asks_is_asked_and_not_done(bob: Person) -> None:
    bob.add_service("asked.service")
    bob.kill("asked.service")
    product.wait_until(lambda: '"asked"' in bob.property("Incidents"), "the question is published")
    assert bob.state("asked.service") == "failed"


def test_where_the_server_shows_no_buttons_the_command_to_type_is_shown(bob: Person) -> None:
    bob.unit("server", "/usr/bin/python3", "-m", "dbusmock", "--session", "--template", "notification_daemon",
             "--parameters", '{"capabilities": "body"}')
    names = ("busctl", "--user", "list", "--acquired")
    product.wait_until(lambda: "org.freedesktop.Notifications" in bob.run(*names).stdout, "a server is there")
    bob.add_service("asked.service")
    bob.kill("asked.service")
    words = "To repair it, type: systemctl --user start asked.service"
    product.wait_until(lambda: words in bob.journal("server.service"), "the command is shown")
    assert "Repair now" not in bob.journal("server.service")
    bob.systemctl("stop", "server.service")


def test_nothing_of_the_machine_is_his_heald_s_business(machine: Machine, bob: Person) -> None:
    product.add_service(machine, "shop.service")
    product.kill(machine, "shop.service")
    machine.run("chmod", "755", "/tmp")
    bob.systemctl("reload", SERVICE)
    bob.add_service("later.service")
    bob.kill("later.service")
    heals(bob, "later.service")
    assert "shop.service" not in bob.property("Issues")
    assert "/tmp" not in bob.property("Issues")
    assert product.state(machine, "shop.service") == "failed"
    machine.run("chmod", "1777", "/tmp")


def test_he_pauses_what_is_his_without_a_password(bob: Person) -> None:
    bob.add_service("paused.service")
    for method, arguments in (("Pause", ("st", "paused.service", "3600")), ("Resume", ("s", "paused.service"))):
        bob.run("busctl", "--user", "call", "org.heald.Controller1", "/org/heald/Controller1", "org.heald.Controller1",
                method, *arguments)
        assert ("paused.service" in bob.property("Paused")) == (method == "Pause")


def test_a_configuration_that_cannot_be_used_is_one_line_and_78(bob: Person) -> None:
    done = bob.run("env", "XDG_CONFIG_HOME=/tmp/wrong", "sh", "-c", "mkdir -p /tmp/wrong/heald; "
                   "echo 'mod = 1' > /tmp/wrong/heald/heald.toml; exec heald --user", check=False)
    assert done.returncode == 78
    assert done.stderr == 'heald: /tmp/wrong/heald/heald.toml: mod: unknown key; did you mean "mode"?\n'


def test_without_a_session_bus_it_says_so_in_one_line(machine: Machine) -> None:
    done = machine.run("heald", "--user", user="nobody", check=False, env={
        "PATH": "/usr/bin", "HOME": "/tmp/nobody", "XDG_STATE_HOME": "/tmp/nobody"})
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert "session bus" in done.stderr


def test_never_for_a_system_user(machine: Machine) -> None:
    machine.run("useradd", "--system", "--create-home", "--shell=/bin/sh", "greeter")
    greeter = Person(machine, "greeter", int(machine.run("id", "-u", "greeter").stdout), 8)
    greeter.logs_in()
    greeter.systemctl("start", SERVICE)
    assert greeter.state(SERVICE) == "inactive"
    assert greeter.state(SERVICE, "ConditionResult") == "no"
    greeter.logs_out()


def test_it_ends_and_begins_with_the_session(bob: Person) -> None:
    bob.systemctl("stop", "test-session.target")
    product.wait_until(lambda: bob.state(SERVICE) == "inactive", "heald went with the session")
    assert bob.state(SERVICE, "Result") == "success"
    bob.systemctl("start", "test-session.target")
    product.wait_until(lambda: bob.state(SERVICE) == "active", "heald came with the session")


def test_a_new_version_starts_again_and_uninstall_ends_it(machine: Machine, bob: Person) -> None:
    before = bob.state(SERVICE, "MainPID")
    product.make(machine, "install")
    product.wait_until(lambda: bob.state(SERVICE) == "active" and bob.state(SERVICE, "MainPID") != before, "it is anew")
    product.make(machine, "uninstall")
    assert bob.state(SERVICE) == "inactive"
    assert bob.state(SERVICE, "LoadState") == "not-found"
    assert machine.run("find", "/etc/systemd/user/", "/etc/xdg/systemd/user/", "-name", SERVICE).stdout == ""
