"""`healctl` and `heald --dry-run` as a person uses them: words, JSON, exit codes."""

import signal

import pytest

from heald.settings import BUILT_IN
from machine import product
from machine.healctl import break_unit, document, healctl
from machine.machine import Machine
from machine.terminal import terminal

ISSUE = {"id", "kind", "subject", "severity", "since", "value", "threshold", "detail"}
INCIDENT = {"id", "kind", "subject", "severity", "opened", "healed", "closed", "outcome", "reason", "next", "actions"}
ACTION = {"operation", "target", "started", "finished", "result", "detail"}

pytestmark = pytest.mark.usefixtures("clean")


def test_a_well_machine_is_told_so(machine: Machine) -> None:
    done = healctl(machine, "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "health 100: nothing is wrong\n"
    assert document(healctl(machine, "check", "--json")) == {"version": 1, "health": 100, "issues": []}


@pytest.mark.parametrize("user", [None, "nobody"])
def test_check_names_what_is_wrong_and_touches_nothing(machine: Machine, user: str | None) -> None:
    break_unit(machine, "shop.service")
    done = healctl(machine, "check", user=user)
    assert done.returncode == 1
    assert "shop.service is failed (signal)" in done.stdout
    shown = healctl(machine, "check", "--json", user=user)
    [issue] = document(shown)["issues"]
    assert shown.returncode == 1
    assert issue.keys() == ISSUE
    assert (issue["kind"], issue["subject"], issue["severity"]) == ("unit-failed", "shop.service", "high")
    assert product.state(machine, "shop.service") == "failed"


def test_a_rehearsal_says_what_it_would_do_and_does_nothing(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    done = healctl(machine, "heal", "--dry-run", "--json")
    known = document(done)
    [incident] = known["incidents"]
    assert done.returncode == 1
    assert incident.keys() == INCIDENT
    assert [(a["operation"], a["result"]) for a in incident["actions"]] == [
        ("service/start", "would"), ("service/repair", "would")]
    assert all(action.keys() == ACTION for action in incident["actions"])
    assert [issue["subject"] for issue in known["issues"]] == ["shop.service"]
    assert product.state(machine, "shop.service") == "failed"


def test_a_person_heals(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    machine.write("/etc/heald/heald.toml", '[[rule]]\nname = "quick"\nkind = "unit-failed"\nsettle = "1s"\n'
                                           'ladder = ["service/start"]\n')
    done = healctl(machine, "heal", "--yes")
    assert done.returncode == 0, done.stderr
    assert "service/start shop.service" in done.stdout
    assert done.stdout.endswith("nothing is wrong\n")
    assert product.state(machine, "shop.service") == "active"
    assert machine.exists("/root/.local/state/heald/history.db")


@pytest.mark.parametrize(("typed", "code"), [("n\n", 3), ("\x03", 130), ("\x04", 130)])
def test_who_says_no_or_goes_away_changes_nothing(machine: Machine, typed: str, code: int) -> None:
    break_unit(machine, "shop.service")
    break_unit(machine, "mill.service")
    with terminal([*machine.enter(), "healctl", "heal"]) as screen:
        screen.wait_for("[y/N]:")
        screen.type(typed)
        if typed == "n\n":
            screen.wait_for("[y/N]:", times=2)
            screen.type(typed)
        shown = screen.read_to_end()
    assert "Traceback" not in shown
    assert screen.code in {code, -signal.SIGINT}      # Ctrl-C ends also what we entered the machine with
    assert machine.run("pgrep", "--full", "healctl heal", check=False).stdout == ""
    assert {product.state(machine, name) for name in ("shop.service", "mill.service")} == {"failed"}


def test_status_tells_of_a_repair_that_is_under_way(machine: Machine) -> None:
    product.add_service(machine, "slow.service", service="ExecStartPre=/bin/sleep 8")
    machine.run("systemctl", "start", "heald.service")
    machine.run("systemctl", "kill", "--signal=KILL", "slow.service")
    product.wait_until(lambda: product.state(machine, "slow.service") == "activating", "it is being started")
    known = document(healctl(machine, "status", "--json"))
    [action] = known["incidents"][0]["actions"]
    assert action.keys() == ACTION
    assert action["finished"] is None
    assert "not finished" in healctl(machine, "status", user="nobody").stdout
    assert document(healctl(machine, "history", "--json", user="nobody"))["incidents"][0]["actions"] == [action]
    product.wait_until(lambda: product.state(machine, "slow.service") == "active", "it runs")


def test_status_and_history_tell_what_the_daemon_did(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    machine.run("systemctl", "start", "heald.service")
    product.wait_until(lambda: product.state(machine, "shop.service") == "active", "shop.service is healed")
    product.wait_until(lambda: healctl(machine, "status").returncode == 0, "the daemon knows it")
    known = document(healctl(machine, "status", "--json"))
    assert known.keys() == {"version", "mode", "health", "issues", "incidents", "paused", "limits"}
    assert known["limits"] == {"incidents_left": 9, "rollbacks_left": 3}
    [incident] = known["incidents"]
    assert (incident["subject"], incident["outcome"], incident["closed"]) == ("shop.service", "healed", None)
    past = document(healctl(machine, "history", "--json"))
    assert [one["id"] for one in past["incidents"]] == [incident["id"]]
    assert past["incidents"][0].keys() == INCIDENT
    foreign = healctl(machine, "history", "--json", user="nobody")      # may not read the file: from the daemon
    assert document(foreign)["incidents"] == past["incidents"]
    assert "_heald" in foreign.stderr


def test_rules_show_where_each_comes_from(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml.d/mine.toml", '[[rule]]\nname = "mine"\nkind = "disk-full"\n')
    shown = document(healctl(machine, "rules", "--json"))["rules"]
    assert [rule["name"] for rule in shown] == ["mine", *(rule.name for rule in BUILT_IN)]
    assert [rule["source"] for rule in shown][:2] == ["/etc/heald/heald.toml.d/mine.toml", "built-in"]
    assert shown[0].keys() == {"name", "kind", "subject", "severity", "for", "mode", "settle", "ladder", "source"}
    assert "mine" in healctl(machine, "rules").stdout


def test_a_checkout_is_tried_without_helper_or_root(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    program = "import sys; sys.path[:0] = ['/usr/src/heald/controller']; from heald.daemon import main; main()"
    done = machine.run("timeout", "--signal=INT", "3", "/usr/bin/python3", "-c", program, "--dry-run", user="nobody",
                       check=False, env={"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": "/tmp/state-of-nobody"})
    assert "dry run: nothing is done" in done.stdout
    assert "service/start shop.service: would" in done.stdout
    assert done.stderr == ""
    assert product.state(machine, "shop.service") == "failed"
    assert product.state(machine, "heald-helper.service") == "inactive"


def test_debian_s_own_libraries_are_enough(machine: Machine) -> None:
    program = ("import sys; sys.path[:0] = ['/usr/src/heald/controller']\n"
               "import dbus_next, prometheus_client, psutil, typer\n"
               "known = (dbus_next, prometheus_client, psutil, typer)\n"
               "assert {m.__file__.split('/')[3] for m in known} == {'python3'}\n"
               "from heald.face.cli import main; sys.exit(main())")
    for words, code in ((["--version"], 0), (["check", "--json"], 0), (["rules"], 0), (["--help"], 0), (["status"], 4),
                        (["heal", "--dry-run"], 0), (["doctor"], 4), (["dashboard"], 4)):
        done = machine.run("/usr/bin/python3", "-I", "-c", program, *words, check=False)
        assert done.returncode == code, f"{words}: {done.stderr}"
