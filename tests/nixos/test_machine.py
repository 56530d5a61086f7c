"""heald as nix/package.nix lays it out, in a booted machine that has it from /nix/store alone: it heals."""

from collections.abc import Iterator

import pytest

from machine import product
from machine.machine import CannotBootError, Machine

BUILD = f"""
export NIX_CONFIG='build-users-group =
sandbox = false
substituters ='
exec nix-build --no-out-link {product.SOURCE}/default.nix \
    --arg pkgs 'import {product.SOURCE}/tests/nixos/pkgs.nix {{ wheels = {product.SOURCE}/wheelhouse; }}'
"""
# What NixOS does with the package, as nix/module.nix tells it to. PATH is NixOS's to give, the stand-in for its Python
# is this machine's own, which lies outside the store and needs leave to be executed, and the helper to see it.
ACTIVATE = """
heald=$1
ln -s "$heald"/share/dbus-1/system.d/* /usr/share/dbus-1/system.d/
ln -s "$heald"/share/dbus-1/system-services/* /usr/share/dbus-1/system-services/
ln -s "$heald"/share/polkit-1/actions/* /usr/share/polkit-1/actions/
ln -s "$heald"/share/polkit-1/rules.d/* /usr/share/polkit-1/rules.d/
systemd-sysusers "$heald"/lib/sysusers.d/*
for unit in "$heald"/lib/systemd/system/*; do
    ln -s "$unit" /etc/systemd/system/
    mkdir "/etc/systemd/system/${unit##*/}.d"
    printf '[Service]\\nExecPaths=/usr /bin /lib -/lib64\\n' > "/etc/systemd/system/${unit##*/}.d/stand-in.conf"
done
mkdir /etc/heald
printf '[sense]\\ninterval = "1s"\\n' > /etc/heald/heald.toml
printf 'BindReadOnlyPaths=/usr /bin /lib -/lib64\\n' >> /etc/systemd/system/heald-helper.service.d/stand-in.conf
systemctl daemon-reload
busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
systemctl start heald.service
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    try:
        with Machine.boot() as booted:
            heald = booted.run("sh", "-c", BUILD).stdout.strip()
            booted.run("sh", "-euc", ACTIVATE, "activate", heald)
            yield booted
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")


def test_nothing_is_installed_but_links_into_the_store(machine: Machine) -> None:
    assert not machine.exists("/usr/lib/heald")
    assert not machine.exists("/usr/bin/healctl")
    for unit in ("heald.service", "heald-helper.service"):
        assert product.state(machine, unit, "FragmentPath").endswith(f"/{unit}")
        assert "/nix/store/" in product.state(machine, unit, "ExecStart")


def test_a_killed_service_is_healed(machine: Machine) -> None:
    product.add_service(machine, "shop.service")
    product.kill(machine, "shop.service")
    product.wait_until(lambda: product.state(machine, "shop.service") == "active", "shop.service was healed")
    assert "/nix/store/" in product.state(machine, "heald-helper.service", "ExecStart")


def test_an_operation_s_unit_does_its_work(machine: Machine) -> None:
    machine.run("chmod", "755", "/tmp")
    product.wait_until(lambda: machine.run("stat", "--format=%a", "/tmp").stdout == "1777\n", "/tmp was mended")


def test_a_reload_is_survived(machine: Machine) -> None:
    before = product.state(machine, "heald.service", "MainPID")
    machine.run("systemctl", "reload", "heald.service")
    assert product.state(machine, "heald.service", "MainPID") == before
    assert product.state(machine, "heald.service") == "active"
