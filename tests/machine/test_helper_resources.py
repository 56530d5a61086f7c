"""Operations on resources, on a real systemd and polkit; the kernel's own figures are played."""

import pytest

from machine import played, product
from machine.machine import Machine
from machine.played import MIB, TREE, add_hog, press

BOTH_MODES = True
INFINITY = str(2 ** 64 - 1)
CONTROL = "/run/systemd/system.control"


def limit(machine: Machine, name: str, *, operation: str = "limit-memory", user: str = "_heald") -> product.Answer:
    return product.heal(machine, "HealResource", operation, name, user=user)


def drop_ins(machine: Machine) -> str:
    return machine.run("find", CONTROL, "-name", "*.conf", check=False).stdout


@pytest.fixture(autouse=True, scope="module")
def under(machine: Machine) -> None:
    played.play(machine)


def test_under_pressure_memory_is_limited_and_the_limit_is_lifted_without_a_trace(machine: Machine) -> None:
    add_hog(machine, "hog.service")
    assert limit(machine, "hog.service").error == "Healthy"         # no pressure
    press(machine, memory=5)
    assert limit(machine, "hog.service").error == "Healthy"         # not above 5
    press(machine, memory=5.01)
    high = str(110 * MIB)
    assert limit(machine, "hog.service").report == {
        "state": "done", "unit": "hog.service", "result": "success", "before": "infinity", "after": high}
    assert product.state(machine, "hog.service", "MemoryHigh") == high
    assert product.state(machine, "hog.service") == "active"
    machine.write(f"{TREE}/system.slice/hog.service/memory.stat", f"anon {80 * MIB}\nshmem 0\n")
    assert limit(machine, "hog.service").error == "Healthy"         # never a second time: it would only get less
    press(machine)
    assert limit(machine, "hog.service", operation="unlimit").report == {
        "state": "done", "unit": "hog.service", "result": "success", "before": high, "after": "infinity"}
    assert product.state(machine, "hog.service", "MemoryHigh") in {"infinity", INFINITY}
    assert drop_ins(machine) == ""
    assert limit(machine, "hog.service", operation="unlimit").error == "Healthy"


def test_the_processor_is_limited_by_weight_and_both_limits_are_lifted_by_the_next_helper(machine: Machine) -> None:
    add_hog(machine, "busy.service", service="CPUWeight=300")
    press(machine, memory=50, cpu=50)
    assert limit(machine, "busy.service", operation="limit-cpu").error == "Healthy"
    press(machine, memory=50, cpu=50.5)
    report = limit(machine, "busy.service", operation="limit-cpu").report
    assert (report["before"], report["after"]) == ("300", "20")
    assert limit(machine, "busy.service").report["before"] == "infinity"
    assert (product.state(machine, "busy.service", "CPUWeight")) == "20"
    machine.run("systemctl", "stop", "heald-helper.service")
    assert limit(machine, "busy.service", operation="unlimit").report["after"] == "300, infinity"
    assert product.state(machine, "busy.service", "CPUWeight") == "300"
    assert drop_ins(machine) == ""


def test_a_limit_is_never_loosened_nor_so_low_that_the_unit_stops(machine: Machine) -> None:
    press(machine, memory=50, cpu=90)
    add_hog(machine, "tight.service", service="MemoryHigh=100M\nCPUWeight=20")
    add_hog(machine, "small.service", mib=63)
    for name in ("tight.service", "small.service"):
        assert limit(machine, name, user="root").error == "Healthy"
    assert limit(machine, "tight.service", operation="limit-cpu").error == "Healthy"
    assert product.state(machine, "tight.service", "MemoryHigh") == str(100 * MIB)
    machine.run("systemctl", "stop", "tight.service")
    assert limit(machine, "tight.service").error == "Healthy"       # nothing runs
    assert drop_ins(machine) == ""


@pytest.mark.parametrize(("command", "after"), [
    (("systemctl", "set-property", "--runtime", "{}", "MemoryHigh=500M"), 500),
    (("systemctl", "set-property", "{}", "MemoryHigh=400M"), 400),
])
def test_what_an_administrator_set_by_hand_stays(machine: Machine, command: tuple[str, ...], after: int) -> None:
    name = f"theirs-{after}.service"
    add_hog(machine, name)
    press(machine, memory=50)
    assert limit(machine, name).report["state"] == "done"
    machine.run(*(word.format(name) for word in command))
    report = limit(machine, name, operation="unlimit").report
    assert report["after"] == str(after * MIB)
    for _ in range(2):
        assert product.state(machine, name, "MemoryHigh") == str(after * MIB)
        machine.run("systemctl", "daemon-reload")
    assert limit(machine, name, operation="unlimit").error == "Healthy"         # let go


def test_a_lower_limit_in_a_new_file_of_the_administrator_is_not_undone(machine: Machine) -> None:
    add_hog(machine, "filed.service")
    press(machine, memory=50)
    assert limit(machine, "filed.service").report["state"] == "done"
    machine.write("/etc/systemd/system/filed.service.d/10-mine.conf", "[Service]\nMemoryHigh=70M\n")
    machine.run("systemctl", "daemon-reload")
    assert product.state(machine, "filed.service", "MemoryHigh") == str(110 * MIB), "the test shows nothing"
    assert limit(machine, "filed.service", operation="unlimit").report["after"] == str(110 * MIB)
    machine.run("systemctl", "daemon-reload")
    assert product.state(machine, "filed.service", "MemoryHigh") == str(70 * MIB)


def test_a_limit_outlives_its_unit_and_is_lifted_from_a_stopped_instance(machine: Machine) -> None:
    product.add_unit(machine, "many@.service", "[Service]\nExecStart=/usr/bin/sleep infinity\n")
    machine.run("systemctl", "start", "many@a.service")
    group = product.state(machine, "many@a.service", "ControlGroup")
    machine.write(f"{TREE}{group}/memory.stat", f"anon {100 * MIB}\nshmem 0\n")
    press(machine, memory=50)
    assert limit(machine, "many@a.service").report["state"] == "done"
    machine.run("systemctl", "stop", "many@a.service")
    assert limit(machine, "many@a.service", operation="unlimit").report["state"] == "done"
    assert drop_ins(machine).count("many@") == 0


@pytest.mark.parametrize(("operation", "target", "error"), [
    ("limit-memory", "dbus.service", "Protected"), ("limit-cpu", "systemd-journald.service", "Protected"),
    ("unlimit", "dbus.service", "Protected"), ("limit-memory", "tmp.mount", "InvalidArgs"),
    ("limit-cpu", "", "InvalidArgs"), ("limit-memory", "no-such.service", "InvalidArgs"),
])
def test_what_is_not_limited(machine: Machine, operation: str, target: str, error: str) -> None:
    press(machine, memory=50, cpu=90)
    assert limit(machine, target, operation=operation).error == error


def test_without_the_kernel_s_figures_nothing_is_limited_and_it_is_not_offered(machine: Machine) -> None:
    add_hog(machine, "unseen.service")
    press(machine, memory=50, cpu=90)
    machine.run("rm", f"{TREE}/system.slice/unseen.service/memory.stat")
    assert limit(machine, "unseen.service").error == "NotSupported"
    machine.write(f"{TREE}/cgroup.controllers", "cpu\n")
    assert limit(machine, "unseen.service").error == "NotSupported"
    assert limit(machine, "unseen.service", operation="limit-cpu").report["after"] == "20"
    machine.run("systemctl", "stop", "heald-helper.service")
    offered = machine.run("busctl", "get-property", "org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1",
                          "Operations").stdout
    assert ('"resource/limit-cpu"' in offered, '"resource/limit-memory"' in offered) == (True, False)
    machine.write(f"{TREE}/cgroup.controllers", "cpu memory\n")


MANAGERS = ("/etc/apt", "/etc/dnf")


def put_on_a_small_disk(machine: Machine, folder: str) -> None:
    """A file system of its own, 20 MiB; the folders in it are as they were."""
    machine.run("sh", "-c", 'mount -t tmpfs -o size=20m,mode="$(stat -c %a "$1")" small "$1"', "sh", folder)
    machine.run("systemctl", "stop", "heald-helper.service")        # its own /tmp and /var/tmp lie where they did then


def test_temporary_files_that_are_old_are_removed_from_a_full_disk(machine: Machine) -> None:
    put_on_a_small_disk(machine, "/var/tmp")
    machine.write("/etc/tmpfiles.d/tmp.conf", "q /var/tmp 1777 root root 0\n")
    machine.run("sh", "-c", "mkdir /var/tmp/theirs && head -c 5M /dev/zero > /var/tmp/theirs/old; "
                            "chown -R daemon: /var/tmp/theirs; chmod 700 /var/tmp/theirs")
    assert product.heal(machine, "HealResource", "clean-temporary").error == "Healthy"
    assert machine.exists("/var/tmp/theirs/old")
    machine.run("sh", "-c", "head -c 13M /dev/zero > /var/tmp/more")
    report = product.heal(machine, "HealResource", "clean-temporary", user="root").report
    assert report["state"] == "done"
    assert int(report["before"]) >= 90
    assert machine.run("ls", "/var/tmp").stdout == ""
    machine.run("umount", "/var/tmp")


def test_inodes_count_too(machine: Machine) -> None:
    machine.run("mount", "-t", "tmpfs", "-o", "size=20m,nr_inodes=20,mode=1777", "small", "/var/tmp")
    machine.run("sh", "-c", "cd /var/tmp && touch a b c d e f g h i j k l m n o p")
    assert product.heal(machine, "HealResource", "clean-temporary", user="root").report["state"] == "done"
    assert machine.run("ls", "/var/tmp").stdout == ""
    machine.run("umount", "/var/tmp")


def test_packages_that_were_downloaded_are_removed_from_a_full_disk(machine: Machine) -> None:
    cache = "/var/cache/apt/archives"
    put_on_a_small_disk(machine, cache)
    machine.run("sh", "-c", f"mkdir -m 700 {cache}/partial && head -c 1M /dev/zero > {cache}/partial/b.deb && "
                            f"chown -R _apt {cache}/partial && head -c 1M /dev/zero > {cache}/a_1_all.deb")
    assert product.heal(machine, "HealResource", "clean-packages", user="root").error == "Healthy"
    machine.run("sh", "-c", f"head -c 16M /dev/zero > {cache}/c_1_all.deb")
    report = product.heal(machine, "HealResource", "clean-packages").report
    assert (report["state"], int(report["after"]) < 20) == ("done", True)
    assert machine.run("find", cache, "-name", "*.deb").stdout == ""
    machine.run("umount", cache)


def test_dnf_removes_what_it_downloaded_too(machine: Machine) -> None:
    machine.run("mkdir", "--parents", "/var/cache/dnf")
    put_on_a_small_disk(machine, "/var/cache/dnf")
    packages = "/var/cache/dnf/fedora-0123456789abcdef/packages"
    machine.run("sh", "-c", f"mkdir --parents {packages} && head -c 18M /dev/zero > {packages}/shop-1-1.noarch.rpm")
    report = product.heal(machine, "HealResource", "clean-packages").report
    assert (report["state"], int(report["after"]) < 20) == ("done", True)
    assert not machine.exists(f"{packages}/shop-1-1.noarch.rpm")
    machine.run("umount", "/var/cache/dnf")


def test_without_a_package_manager_there_is_nothing_to_clean(machine: Machine) -> None:
    """A package manager that it does not know, Arch's, is none."""
    for folder in MANAGERS:
        machine.run("mv", folder, f"{folder}.away")
    machine.write("/usr/bin/pacman", "#!/bin/sh\necho > /run/pacman-was-run\n", mode="755")
    machine.run("systemctl", "stop", "heald-helper.service")        # what it can do is looked up once
    offered = machine.run("busctl", "get-property", "org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1",
                          "Operations").stdout
    assert ('"resource/clean-temporary"' in offered, '"resource/clean-packages"' in offered) == (True, False)
    assert product.heal(machine, "HealResource", "clean-packages").error == "NotSupported"
    assert not machine.exists("/run/pacman-was-run")
    machine.run("rm", "/usr/bin/pacman")
    for folder in MANAGERS:
        machine.run("mv", f"{folder}.away", folder)
    machine.run("systemctl", "stop", "heald-helper.service")


def test_limits_are_lifted_before_heald_is_uninstalled(machine: Machine) -> None:
    add_hog(machine, "left.service", service="CPUWeight=300")
    press(machine, cpu=90)
    assert limit(machine, "left.service", operation="limit-cpu").report["after"] == "20"
    product.make(machine, "uninstall")
    assert product.state(machine, "left.service", "CPUWeight") == "300"
    assert "left" not in drop_ins(machine)
