"""The Nix store, for real: what is collected and what stays, on a full disk too; damage; what is twice."""

import pytest

from machine import product
from machine.machine import Machine
from nix import closure

BOTH_MODES = True
MIB = 1 << 20


def heal(machine: Machine, operation: str, user: str = "_heald") -> product.Answer:
    return product.heal(machine, "HealSystem", operation, user=user)


def add(machine: Machine, name: str, mib: int = 0) -> str:
    """A path in the store that nothing needs."""
    machine.run("sh", "-c", f"head -c {mib * MIB} /dev/urandom > /tmp/{name}")
    path = machine.run("nix-store", "--add", f"/tmp/{name}").stdout.strip()
    machine.run("rm", f"/tmp/{name}")
    return path


def fill(machine: Machine) -> None:
    """Not a byte is left on the store's file system."""
    machine.run("sh", "-c", "cat /dev/zero > /nix/filler", check=False)
    assert machine.run("df", "--output=avail", "/nix").stdout.split()[1] == "0"


def test_garbage_is_collected_where_the_store_s_disk_is_full_and_nothing_else(store: Machine) -> None:
    system = closure.build(store, "one", {"web.service": "[Service]\nExecStart=/usr/bin/sleep infinity\n"})
    closure.switch(store, system)
    junk = add(store, "junk", 18)
    assert heal(store, "collect-garbage", "root").error == "Healthy"        # 26 of 40
    assert store.exists(junk)
    more = add(store, "more", 8)
    report = heal(store, "collect-garbage").report
    assert (report["state"], int(report["before"]) >= 80, int(report["after"]) < 40) == ("done", True, True)
    assert not store.exists(junk)
    assert not store.exists(more)
    assert store.exists(f"{system}/bin/switch-to-configuration")
    assert closure.generations(store) == [1]


def test_what_a_process_of_somebody_else_s_runs_from_the_store_is_not_collected(store: Machine) -> None:
    """Nix looks at every process, and says nothing of those that it may not look at."""
    program = store.run("nix-store", "--add", "/usr/bin/sleep").stdout.strip()
    store.run("systemd-run", "--quiet", "--uid=nobody", "--unit=theirs", program, "infinity")
    library = store.run("nix-store", "--add", "/usr/bin/tail").stdout.strip()
    store.run("systemd-run", "--quiet", "--unit=roots", library, "--follow", "/dev/null")
    junk = add(store, "junk", 26)
    assert heal(store, "collect-garbage").report["state"] == "done"
    assert not store.exists(junk)
    assert store.exists(program)
    assert store.exists(library)
    store.run("systemctl", "stop", "theirs.service", "roots.service")


def test_a_disk_that_is_full_to_the_last_byte_is_collected_all_the_same(store: Machine) -> None:
    """Nix by itself fails there: it cannot open its database."""
    junk = add(store, "junk", 10)
    fill(store)
    assert store.run("nix-store", "--gc", check=False).returncode, "nix copes by itself: the test shows nothing"
    assert heal(store, "collect-garbage").report["state"] == "done"
    assert not store.exists(junk)


def test_damage_is_found_and_without_the_daemon_it_is_only_told(store: Machine) -> None:
    path = add(store, "good", 1)
    assert heal(store, "verify-store", "root").report["state"] == "done"
    store.run("sh", "-c", f"chmod u+w {path}; echo x >> {path}")
    answer = heal(store, "verify-store", "root")
    assert (answer.error, "exit-code" in answer.text) == ("Failed", True)
    assert "was modified" in store.journal("-u", "heald-verify-store.service")
    store.run("systemctl", "reset-failed")


def test_where_the_daemon_runs_it_does_the_work_and_fetches_what_is_damaged_anew(store: Machine) -> None:
    """As on NixOS: the store is read-only for everyone but the daemon."""
    path, junk = add(store, "good", 1), add(store, "junk", 26)
    store.run("nix", "copy", "--to", "file:///var/cache/nix", path)
    store.write("/etc/nix/nix.conf", f"{closure.CONF}substituters = file:///var/cache/nix\nrequire-sigs = false\n")
    store.run("sh", "-c", "mount --bind /nix/store /nix/store && mount -o remount,ro,bind /nix/store")
    product.add_unit(store, "nix-daemon.service", "[Service]\nExecStart=/usr/bin/nix-daemon\n")
    store.run("systemctl", "start", "nix-daemon.service")
    product.wait_until(lambda: store.exists("/nix/var/nix/daemon-socket/socket"), "the daemon listens")
    store.run("sh", "-c", f"mount -o remount,rw,bind /nix/store && chmod u+w {path} && echo x >> {path}"
                          " && mount -o remount,ro,bind /nix/store")
    assert heal(store, "verify-store", "root").report["state"] == "done"
    assert store.run("nix-store", "--verify-path", path).returncode == 0
    fill(store)
    assert heal(store, "collect-garbage", "root").report["state"] == "done"
    assert not store.exists(junk)
    store.run("systemctl", "stop", "nix-daemon.service")
    store.run("rm", "-r", "/etc/systemd/system/nix-daemon.service", "/var/cache/nix")


def test_what_is_twice_is_linked_together(store: Machine) -> None:
    store.run("sh", "-c", "cd /tmp && mkdir a b && head -c 3M /dev/urandom > a/f && cp a/f b/f && echo > b/g")
    paths = store.run("nix-store", "--add", "/tmp/a", "/tmp/b").stdout.split()
    report = heal(store, "optimise-store", "root").report
    assert (report["state"], int(report["after"]) < int(report["before"])) == ("done", True)
    assert len({store.run("stat", "--format=%i", f"{path}/f").stdout for path in paths}) == 1


LOOPS = ("mknod /dev/loop-control c 10 237; for n in $(seq 0 31); do mknod /dev/loop$n b 7 $n; done; "
         "truncate -s 64M /var/disk && mkfs.ext4 -q /var/disk && mkdir -p /srv/disk && "
         "mount -o loop /var/disk /srv/disk")


def test_the_blocks_of_a_removed_file_are_given_back_to_the_disk(store: Machine) -> None:
    """The disk is a sparse file: what is given back is gone from it."""
    store.run("sh", "-c", LOOPS)
    store.run("sh", "-c", "cd /srv/disk && head -c 40M /dev/urandom > f && sync f && rm f && sync .")
    before = int(store.run("du", "-k", "/var/disk").stdout.split()[0])
    assert heal(store, "trim", "root").report["state"] == "done"
    assert int(store.run("du", "-k", "/var/disk").stdout.split()[0]) < before - 30_000
    store.run("umount", "/srv/disk")


@pytest.mark.parametrize("operation", ["verify-store", "optimise-store", "trim"])
def test_what_is_a_person_s_only_is_refused_to_the_controller(store: Machine, operation: str) -> None:
    store.run("nix-store", "--gc")
    assert heal(store, operation).error == "InteractiveAuthorizationRequired"


def test_without_nix_it_is_not_offered(store: Machine) -> None:
    store.run("nix-store", "--gc")      # from the first command on there is a database
    assert heal(store, "collect-garbage", "root").error == "Healthy"
    store.run("mv", "/nix/var/nix/db", "/nix/var/nix/away")
    assert heal(store, "collect-garbage", "root").error == "NotSupported"
    store.run("mv", "/nix/var/nix/away", "/nix/var/nix/db")
