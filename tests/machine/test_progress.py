"""Long work shows life at a terminal, and nowhere else; whoever goes away leaves it running."""

import re

import pytest

from machine import product
from machine.healctl import healctl
from machine.machine import Machine
from machine.terminal import terminal

PASSWORD = "correct horse"      # noqa: S105  of a user that exists for this test alone
RULE = '[[rule]]\nname = "quick"\nkind = "unit-failed"\nsettle = "2s"\nladder = ["service/start"]\n'
STEPS = """\
TimeoutStartSec=100
ExecStartPre=/bin/sh -c 'for step in $(seq $(cat /run/steps)); do echo at step $step; sleep 1; done'
"""
STATUS = """\
Type=notify
NotifyAccess=all
ExecStart=
ExecStart=/bin/sh -c 'systemd-notify --status="warming up"; sleep $(cat /run/steps); systemd-notify --ready; sleep inf'
"""
REINDEX = """\
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for part in 1 2 3 4; do echo part $part of 4; sleep 1; done'
ExecStart=systemctl reset-failed slow.service
ExecStart=systemctl start slow.service
"""

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("clean")]


def break_slow(machine: Machine, steps: int, service: str = STEPS) -> None:
    """slow.service has failed, and its next start takes so many seconds."""
    machine.write("/etc/heald/heald.toml", RULE)
    machine.write("/run/steps", "0")
    product.add_service(machine, "slow.service", service=service)
    product.kill(machine, "slow.service")
    machine.write("/run/steps", str(steps))


def at(machine: Machine, user: str | None = None) -> list[str]:
    """The command at a terminal. Ctrl-C reaches it alone, not what the machine is entered with."""
    home = "/root" if user is None else f"/home/{user}"
    return ["env", "--ignore-signal=INT", *machine.enter(user), "env", "-i", "--default-signal=INT",
            "PATH=/usr/bin:/bin", "LANG=C.UTF-8", f"HOME={home}", "TERM=xterm", "healctl", "heal", "--yes"]


def test_the_time_and_its_own_last_line_are_shown_until_it_ends(machine: Machine) -> None:
    break_slow(machine, 5)
    with terminal(at(machine)) as screen:
        screen.wait_for("at step 3")
        screen.wait_for("at step 4")
        assert re.search(r"\rservice/start slow\.service  \ds  at step \d", screen.shown)
        screen.wait_for("stays up: slow.service  1 of 2s")
        shown = screen.read_to_end()
    assert screen.code == 0
    assert shown.rstrip().endswith("nothing is wrong")
    assert "at step" not in shown.rpartition("watching")[2]      # the line is gone
    assert product.state(machine, "slow.service") == "active"


def test_work_that_outlives_the_helper_s_wait_is_waited_for(machine: Machine) -> None:
    break_slow(machine, 23)
    with terminal(at(machine)) as screen:
        screen.wait_for("at step 22")
        shown = screen.read_to_end()
    assert screen.code == 0
    assert re.search(r"service/start slow\.service  done in 2\ds", shown)


def test_a_repair_that_root_wrote_tells_of_itself(machine: Machine) -> None:
    break_slow(machine, 0)
    ladder = 'ladder = [{ do = "system/run", target = "reindex" }]'
    machine.write("/etc/heald/heald.toml", RULE.replace('ladder = ["service/start"]', ladder))
    machine.write("/etc/heald/helper.toml", 'run = ["reindex"]\n')
    product.add_unit(machine, "heald-run-reindex.service", REINDEX)
    with terminal(at(machine)) as screen:
        screen.wait_for("\rsystem/run reindex  ")
        screen.wait_for("part 3 of 4")
        shown = screen.read_to_end()
    assert screen.code == 0
    assert "nothing is wrong" in shown


def test_ctrl_c_leaves_it_running_and_says_so(machine: Machine) -> None:
    break_slow(machine, 60)
    with terminal(at(machine)) as screen:
        screen.wait_for("at step 2")
        screen.type("\x03")
        shown = screen.read_to_end()
    assert "service/start slow.service goes on without you; see: systemctl status slow.service" in shown
    assert "Traceback" not in shown
    assert screen.code == 130
    assert product.state(machine, "slow.service") == "activating"
    machine.run("systemctl", "stop", "slow.service")


def test_nothing_of_it_where_nobody_looks(machine: Machine) -> None:
    break_slow(machine, 3)
    done = healctl(machine, "heal", "--yes")
    assert done.returncode == 0
    assert "\r" not in done.stdout + done.stderr
    assert "at step" not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def alice(machine: Machine) -> None:
    """An administrator who may not read the system's journal."""
    machine.run("useradd", "--create-home", "--shell=/bin/sh", "alice")
    machine.run("chpasswd", stdin=f"alice:{PASSWORD}\n")
    machine.run("gpasswd", "--members=alice", "sudo")


@pytest.mark.usefixtures("alice")
def test_ctrl_c_at_the_password_begins_nothing(machine: Machine) -> None:
    break_slow(machine, 60)
    with terminal(at(machine, "alice")) as screen:
        before = screen.modes
        screen.wait_for("Password:")
        screen.type("\x03")
        shown = screen.read_to_end()
        assert screen.modes == before
    assert "AccessDenied" in shown
    assert "goes on without you" not in shown
    assert screen.code == 130
    assert product.state(machine, "slow.service") == "failed"


@pytest.mark.usefixtures("alice")
def test_who_may_not_read_the_journal_sees_the_service_s_own_status(machine: Machine) -> None:
    break_slow(machine, 6, STATUS)
    with terminal(at(machine, "alice")) as screen:
        screen.wait_for("Password:")
        screen.type_secretly(PASSWORD)
        screen.wait_for("s  warming up")
        shown = screen.read_to_end()
    assert screen.code == 0
    assert "slow.service  1s" not in shown.partition("Password:")[0]        # nothing stands in the way of the question
    assert shown.rstrip().endswith("nothing is wrong")
