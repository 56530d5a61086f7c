"""`healctl backup` as a person and as root, on a disk that fills, at a terminal."""

import signal

import pytest

from machine import product
from machine.healctl import document, healctl
from machine.machine import Machine
from machine.terminal import terminal

HOME = "/home/alice"
DISK = "/media/backup"


@pytest.fixture(scope="module", autouse=True)
def alice(machine: Machine) -> None:
    """A person with letters, and a small disk of her own."""
    machine.run("useradd", "--create-home", "alice")
    machine.write(f"{HOME}/.config/heald/heald.toml",
                  f'[backup]\npaths = ["~/letters"]\ntarget = "{DISK}"\nkeep = 2\n')
    machine.write(f"{HOME}/letters/june.txt", "first")
    machine.run("chown", "-R", "alice:", HOME)
    machine.run("mkdir", "-p", DISK)
    machine.run("mount", "-t", "tmpfs", "-o", "size=8m,uid=alice,mode=0700", "tmpfs", DISK)


def backup(machine: Machine, *words: str, user: str | None = "alice") -> tuple[int, str]:
    """Exit code, and all that was said."""
    done = healctl(machine, "backup", *words, user=user, HOME=HOME if user else "/root")
    return done.returncode, done.stdout + done.stderr


def snapshots(machine: Machine) -> list[str]:
    found = document(healctl(machine, "backup", "list", "--json", user="alice", HOME=HOME))
    return [one["name"] for one in found["snapshots"]]


def test_a_person_saves_and_restores_without_any_privilege(machine: Machine) -> None:
    assert backup(machine, "create")[0] == 0
    [name] = snapshots(machine)
    machine.run("rm", "-r", f"{HOME}/letters")
    code, said = backup(machine, "restore", f"{HOME}/letters")
    assert (code, said) == (0, f"{HOME}/letters is as in {name}; nothing was overwritten\n")
    assert machine.read(f"{HOME}/letters/june.txt") == "first"
    assert machine.run("stat", "--format=%U", f"{HOME}/letters/june.txt").stdout == "alice\n"
    assert machine.run("ls", DISK, user="nobody", check=False).returncode != 0


def test_what_cannot_be_read_is_named_and_no_snapshot_is_made(machine: Machine) -> None:
    before = snapshots(machine)
    machine.write(f"{HOME}/letters/secret.txt", "root's", mode="600")
    code, said = backup(machine, "create")
    machine.run("rm", f"{HOME}/letters/secret.txt")
    assert code == 1
    assert f'"{HOME}/letters/secret.txt"' in said
    assert said.endswith("Permission denied (13); change that, or leave it out by a file .rsync-filter\n")
    assert said.count("\n") == 1
    assert (snapshots(machine), machine.run("ls", "-A", DISK).stdout.split()) == (before, before)


def test_a_full_disk_is_told_and_left_as_it_was(machine: Machine) -> None:
    before = snapshots(machine)
    machine.run("dd", "if=/dev/urandom", f"of={HOME}/letters/film", "bs=1M", "count=16", user="alice")
    code, said = backup(machine, "create")
    machine.run("rm", f"{HOME}/letters/film")
    assert code == 1
    assert said == f"healctl: the disk of {DISK} is full: make room there\n"
    assert (snapshots(machine), machine.run("ls", "-A", DISK).stdout.split()) == (before, before)
    assert backup(machine, "create")[0] == 0


def test_root_does_not_write_where_somebody_else_may(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", f'[backup]\npaths = ["/etc/heald"]\ntarget = "{DISK}"\n')
    code, said = backup(machine, "create", user=None)
    machine.run("rm", "/etc/heald/heald.toml")
    assert code == 3
    assert said == (f"healctl: {DISK} must be yours, and nobody else may write there: chown and chmod 700 it, "
                    "or make another\n")


def test_a_terminal_shows_life_and_ctrl_c_leaves_nothing_half(machine: Machine) -> None:
    before = snapshots(machine)
    machine.run("mkfifo", "/run/slow")
    machine.write("/usr/local/bin/rsync", "#!/bin/sh\nread word < /run/slow\nexec /usr/bin/rsync \"$@\"\n", mode="755")
    # Ctrl-C reaches the command alone, not what the machine is entered with.
    enter = ["env", "--ignore-signal=INT", *machine.enter("alice"), "env", "--default-signal=INT", f"HOME={HOME}",
             "PATH=/usr/local/bin:/usr/bin:/bin"]
    with terminal([*enter, "healctl", "backup", "create"]) as screen:
        screen.wait_for("backing up  1s")
        screen.type("\x03")
        screen.read_to_end()
    assert screen.code == 128 + signal.SIGINT
    assert "Traceback" not in screen.shown
    machine.run("rm", "/usr/local/bin/rsync", "/run/slow")
    product.wait_until(lambda: backup(machine, "create")[0] == 0, "the next backup is made")
    assert snapshots(machine)[1:] == before[:1]
    assert machine.run("ls", "-A", DISK).stdout.split() == sorted(snapshots(machine))
