"""make install, uninstall and purge in a booted machine that has no network."""

import pytest

import version
from machine import product
from machine.judged import is_healed_when_killed
from machine.machine import Machine
from machine.product import files


def test_what_was_installed_can_be_taken_away_again(bare: Machine) -> None:
    before = files(bare)
    printed = product.make(bare, "install")
    assert "systemctl enable --now heald.service" in printed
    manifest = bare.read("/usr/lib/heald/manifest").split()
    assert files(bare) - before >= {line.rstrip("/") for line in manifest}
    assert bare.run("getent", "passwd", "_heald", "_heald-helper").stdout.count("/usr/sbin/nologin") == 2

    product.make(bare, "install")       # twice is an upgrade
    assert bare.read("/usr/lib/heald/manifest").split() == manifest

    bare.write("/etc/heald/heald.toml", 'mode = "observe"\n')
    bare.write("/var/lib/heald/history.db", "")
    bare.run("systemctl", "enable", "--now", "heald.service")
    product.make(bare, "uninstall")
    left = files(bare) - before
    assert {path for path in left if "heald" in path} == {
        "/etc/heald", "/etc/heald/heald.toml", "/var/lib/heald", "/var/lib/heald/history.db"}
    assert not bare.exists("/run/heald-helper")
    assert bare.run("systemctl", "is-active", "heald.service", check=False).stdout.strip() == "inactive"

    product.make(bare, "purge")
    assert {path for path in files(bare) - before if "heald" in path} == set()
    assert bare.run("getent", "shadow", "_heald").stdout.split(":")[1].startswith("!")


def test_the_helper_without_root_and_with_it_again(bare: Machine) -> None:
    for words, user in (("install OWN_USER=1", "_heald-helper"), ("install", "root")):
        product.make(bare, *words.split())
        assert product.heal(bare, "HealService", "start", "no-such.service").error == "InvalidArgs"
        assert product.state(bare, "heald-helper.service", "User") == ("" if user == "root" else user)
        assert bare.run("stat", "--format=%U", "/run/heald-helper").stdout == f"{user}\n"
    product.make(bare, "install", "OWN_USER=1")
    product.make(bare, "purge")
    assert not bare.exists("/usr/lib/systemd/system/heald-helper.service.d")
    assert not bare.exists("/usr/share/polkit-1/rules.d/60-heald-helper.rules")


@pytest.mark.parametrize("program", ["/usr/bin/healctl", "/usr/bin/heald"])
def test_programs_start_and_a_hostile_python_path_has_no_effect(machine: Machine, program: str) -> None:
    machine.write("/tmp/hostile/asyncio.py", "raise SystemExit('hostile code ran')\n")
    machine.write("/tmp/hostile/heald.py", "raise SystemExit('hostile code ran')\n")
    environment = {"PATH": "/usr/bin", "PYTHONPATH": "/tmp/hostile"}
    done = machine.run("sh", "-c", f"cd /tmp/hostile; exec {program} --version", env=environment, check=False)
    assert "hostile" not in done.stdout + done.stderr
    assert done.stdout.strip().endswith(f" {version.VERSION}")
    assert done.returncode == 0


def test_another_prefix_works_as_well(bare: Machine) -> None:
    product.make(bare, "install", "PREFIX=/usr/local")
    bare.run("systemctl", "start", "heald.service")
    product.add_service(bare, "shop.service")
    is_healed_when_killed(bare, "shop.service")
    assert "/usr/local/lib/heald/heald-helper" in product.state(bare, "heald-helper.service", "ExecStart")
    bare.run("chmod", "755", "/tmp")
    assert product.heal(bare, "HealSystem", "restore-permissions").report["state"] == "done"
    product.make(bare, "purge", "PREFIX=/usr/local")
