"""Both packages: the demo's faults are healed, operations outlive the upgrade that they run, and nothing is left."""

import re

import pytest

from deb import packages
from demo import faults, stage
from demo.__main__ import incidents
from machine import played, product
from machine.machine import Machine
from machine.session import Person, add_person

[README_S] = re.findall(r"^sudo apt install .*$", (packages.ROOT / "README.md").read_text(), re.MULTILINE)
UPGRADE = """\
[Service]
Type=oneshot
Environment=DEBIAN_FRONTEND=noninteractive
ExecStart=/usr/bin/apt-get --quiet --yes install {files}
"""
ENDLESS = "[Service]\nExecCondition=\nExecStart=\nExecStart=sleep infinity\nTimeoutStartSec=infinity\n"


OURS = ("heald-run-upgrade.service", "heald-trim.service.d", "heald-helper.service.d")


@pytest.fixture(scope="module")
def before(bare: Machine) -> tuple[set[str], set[str]]:
    """Files and users of the machine as it was."""
    return product.files(bare), packages.users(bare)


@pytest.fixture(scope="module")
def machine(bare: Machine, before: None) -> Machine:
    bare.write("/etc/heald/heald.toml", stage.CONFIGURATION)
    bare.run("sh", "-c", f"cd {product.SOURCE} && {README_S}")
    return bare


@pytest.fixture(scope="module")
def bob(machine: Machine) -> Person:
    """Logged in, with a heald of his own."""
    person = add_person(machine, "bob", 1001, administrator=False)
    machine.run("systemctl", "--global", "enable", "--quiet", "heald-session.service")
    person.logs_in()
    product.wait_until(lambda: person.state("heald-session.service") == "active", "his own heald runs")
    return person


def test_the_faults_of_the_demo_are_healed(machine: Machine) -> None:
    outcomes = stage.play(stage.Stage(faults.in_machine(machine), lambda: incidents(machine)))
    assert [outcome.category for outcome in outcomes if outcome.healed] == ["service", "resource", "system"]


def test_of_debian_s_modules_glib_is_not_loaded(machine: Machine) -> None:
    """Which Debian's dbus-next depends on, and imports where it finds it."""
    assert packages.version(machine, "Helper1") == packages.VERSION
    for unit in ("heald.service", "heald-helper.service"):
        loaded = machine.read(f"/proc/{product.state(machine, unit, 'MainPID')}/maps")
        assert "python3" in loaded
        assert "libglib" not in loaded


def test_an_operation_that_runs_the_upgrade_and_one_beside_it_are_left_alone(machine: Machine, bob: Person) -> None:
    machine.write("/etc/heald/helper.toml", 'run = ["upgrade"]\n')
    product.add_unit(machine, "heald-run-upgrade.service",
                     UPGRADE.format(files=" ".join(packages.files(packages.NEXT_TO_IT, *packages.NAMES))))
    machine.write("/etc/systemd/system/heald-trim.service.d/endless.conf", ENDLESS)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "--no-block", "heald-trim.service")
    product.wait_until(lambda: product.state(machine, "heald-trim.service", "MainPID") != "0", "an operation runs")
    run = product.state(machine, "heald-trim.service", "InvocationID")
    told = [(incident["kind"], incident["opened"]) for incident in incidents(machine)]

    assert product.heal(machine, "HealSystem", "run", "upgrade", user="root").report["state"] == "running"
    unit = "heald-run-upgrade.service"
    product.wait_until(lambda: product.state(machine, unit) in {"inactive", "failed"}, "it has ended")
    assert product.state(machine, unit, "Result") == "success"
    product.wait_until(lambda: packages.version(machine, "Controller1") == packages.NEXT, "the new daemon runs")
    product.wait_until(lambda: packages.version(machine, "Helper1") == packages.NEXT, "the new helper answers")
    product.wait_until(lambda: packages.NEXT in bob.property("Version"), "his own heald is the new one")
    assert product.state(machine, "heald-trim.service", "InvocationID") == run
    assert product.state(machine, "heald-trim.service") == "activating"
    assert {(incident["kind"], incident["opened"]) for incident in incidents(machine)} >= set(told)
    assert machine.run("healctl", "doctor").stdout.startswith(f"heald {packages.NEXT}: all is well")


def test_removed_it_leaves_no_limit_and_keeps_what_was_configured_and_recorded(machine: Machine, bob: Person) -> None:
    played.play(machine)
    played.add_hog(machine, "hog.service", service="CPUWeight=300")
    played.press(machine, cpu=90)
    assert product.heal(machine, "HealResource", "limit-cpu", "hog.service").report["after"] == "20"
    packages.apt(machine, "remove", "heald-helper", "heald")
    assert product.state(machine, "hog.service", "CPUWeight") == "300"
    assert machine.run("systemctl", "list-units", "--state=active,failed", "--no-legend", "heald*").stdout == ""
    assert bob.state("heald-session.service") == "inactive"
    for gone in ("/usr/lib/heald", "/usr/bin/healctl", "/run/heald-helper"):
        assert not machine.exists(gone)
    for kept in ("/etc/heald/heald.toml", "/etc/heald/helper.toml", "/var/lib/heald/history.db"):
        assert machine.exists(kept)


def test_purged_it_leaves_the_locked_users_alone(machine: Machine, before: tuple[set[str], set[str]]) -> None:
    files, users = before
    packages.apt(machine, "purge", "heald-helper", "heald")
    machine.run("rm", "-r", *(f"/etc/systemd/system/{name}" for name in OURS))
    assert {path for path in packages.left(machine, files) if "heal" in path and not path.startswith("/home/bob/")} == (
        set())
    made = {user for user in packages.users(machine) - users if not user.startswith("bob:")}
    assert made == {"_heald:!*", "_heald-helper:!*"}
