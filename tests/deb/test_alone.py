"""Each package alone: what it does without the other, and that nothing of it stays behind."""

from deb import packages
from machine import product
from machine.healctl import document, healctl
from machine.machine import Machine

MAKE, APT = ("make", "--no-print-directory", "-C", product.SOURCE, "install"), ("apt-get", "--yes", "install")
LOADED = """\
import sys
before = set(sys.modules)
sys.path.insert(0, "/usr/lib/heald/helper")
sys.path += ["/usr/lib/python3/dist-packages"]
import heald_helper.__main__
print(*({name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))
"""


def test_the_helper_alone_does_what_root_asks_for(bare: Machine) -> None:
    before, users = product.files(bare), packages.users(bare)
    packages.install(bare, packages.NOW, "heald-helper")
    assert not bare.exists("/usr/bin/healctl")
    assert packages.version(bare, "Helper1") == packages.VERSION
    product.add_service(bare, "shop.service")
    product.kill(bare, "shop.service")
    assert product.heal(bare, "HealService", "start", "shop.service", user="root").report["after"] == "active"
    bare.run("chmod", "755", "/tmp")
    assert product.heal(bare, "HealSystem", "restore-permissions", user="root").report["state"] == "done"
    assert bare.run("stat", "--format=%a", "/tmp").stdout == "1777\n"
    product.wait_until(lambda: product.heal(bare, "HealService", "start", "shop.service", user="nobody").error == (
        "InteractiveAuthorizationRequired"), "polkit knows what it is asked, and asks for a password")
    assert set(bare.run("/usr/bin/python3", "-IS", "-c", LOADED).stdout.split()) == {"heald_helper", "dbus_next"}

    bare.run("systemctl", "stop", "shop.service")
    bare.run("rm", "/etc/systemd/system/shop.service")
    packages.apt(bare, "purge", "heald-helper")
    assert packages.left(bare, before) == set()
    assert packages.users(bare) - users == {"_heald-helper:!*"}


def test_heald_alone_sees_and_tells_and_repairs_nothing(bare: Machine) -> None:
    before, users = product.files(bare), packages.users(bare)
    packages.install(bare, packages.NOW, "heald")
    product.wait_until(lambda: packages.version(bare, "Controller1") == packages.VERSION, "it runs")
    assert product.state(bare, "heald.service", "UnitFileState") == "enabled"
    product.add_service(bare, "shop.service")
    product.kill(bare, "shop.service")
    product.wait_until(lambda: "Helper1 was not provided by any" in healctl(bare, "status").stdout, "it says so")
    asked = healctl(bare, "heal")
    assert (asked.returncode, "shop.service is failed" in asked.stdout) == (4, True)
    examined = healctl(bare, "doctor", "--json")
    wrong = {check["name"]: check for check in document(examined)["checks"] if check["state"] == "wrong"}
    assert (set(wrong), examined.returncode) == ({"polkit actions", "helper", "polkit rules", "bus policy"}, 4)
    assert all("heald-helper" in check["fix"] for check in wrong.values())
    assert product.state(bare, "shop.service") == "failed"

    bare.run("rm", "-r", "/etc/systemd/system/shop.service", "/root/.local")
    packages.apt(bare, "purge", "heald")
    assert packages.left(bare, before) == set()
    assert packages.users(bare) - users == {"_heald:!*"}


def test_it_is_installed_in_one_way_or_the_other(bare: Machine) -> None:
    """A file that two ways of installing claim would go with one of them while the other needs it."""
    bare.run(*MAKE)
    for name in packages.NAMES:
        refused = bare.run(*APT, *packages.files(packages.NOW, name), check=False)
        assert refused.returncode
        assert "heald is here by make install: " in refused.stdout      # apt's, with dpkg's errors
    product.make(bare, "purge")
    packages.install(bare, packages.NOW, "heald")
    refused = bare.run(*MAKE, check=False)
    assert refused.returncode
    assert "make install: these files are a package's: apt remove heald " in refused.stderr
    bare.write("/etc/heald/helper.toml", 'protected = ["db.service"]\n')
    for what, verb in (("uninstall", "remove"), ("purge", "purge")):
        refused = bare.run(*MAKE[:-1], what, check=False)
        assert f"make {what}: these files are a package's: apt {verb} heald " in refused.stderr
    assert bare.exists("/etc/heald/helper.toml")
    assert not bare.exists("/usr/lib/heald/manifest")
    packages.apt(bare, "remove", "heald")
    product.make(bare, "install")
