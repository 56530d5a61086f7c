"""`healctl` and `heald --dry-run` as a person uses them: words, JSON, exit codes, and one line for what is wrong."""

import json
import signal
from subprocess import CompletedProcess
from typing import Any

import pytest

from machine import product
from machine.machine import Machine
from machine.terminal import terminal

ISSUE = {"id", "kind", "subject", "severity", "since", "value", "threshold", "detail"}
INCIDENT = {"id", "kind", "subject", "severity", "opened", "healed", "closed", "outcome", "reason", "next", "actions"}
ACTION = {"operation", "target", "started", "finished", "result", "detail"}


@pytest.fixture(autouse=True)
def clean(machine: Machine) -> None:
    """No daemon, no configuration, no helper, nothing failed."""
    machine.run("systemctl", "unmask", "--quiet", "heald-helper.service")
    machine.run("systemctl", "stop", "heald.service", "heald-helper.service")
    machine.run("rm", "-rf", "/etc/heald", "/root/.local/state/heald", "/var/lib/heald/history.db")
    machine.run("systemctl", "reset-failed")
    machine.run("chmod", "1777", "/tmp")


def healctl(machine: Machine, *words: str, user: str | None = None, **environment: str) -> CompletedProcess[str]:
    """Runs the command; whatever it says, it says in lines for people."""
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/root" if user is None else "/tmp", **environment}
    done = machine.run("healctl", *words, user=user, check=False, env=env)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def document(done: CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["version"] == 1
    return found


def break_unit(machine: Machine, name: str) -> None:
    product.add_service(machine, name)
    product.kill(machine, name)


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
    product.add_service(machine, "slow.service", service="ExecStartPre=/bin/sleep 3")
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


@pytest.mark.parametrize(("into", "code", "told"), [
    ("> /dev/full", 1, "healctl: standard output: No space left on device"), ("| true", 0, ""),
])
def test_output_that_nobody_takes(machine: Machine, into: str, code: int, told: str) -> None:
    done = machine.run("bash", "-c", f"set -o pipefail; sleep 0; healctl check {into}", check=False)
    assert (done.returncode, done.stderr.strip()) == (code, told)


def test_a_uid_without_a_name_or_a_home_is_told_in_one_line(machine: Machine) -> None:
    for program in (("healctl", "heal", "--dry-run"), ("heald", "--dry-run")):
        done = machine.run("setpriv", "--reuid=54321", "--clear-groups", *program, check=False,
                           env={"PATH": "/usr/bin:/bin"})
        assert (done.returncode, done.stdout) == (4, "")        # the bus wants to know who it is
        assert done.stderr.count("\n") == 1


def test_a_person_without_leave_is_refused(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    done = healctl(machine, "heal", "--yes", "--json", user="nobody", HOME="/tmp/home-of-nobody")
    [incident] = document(done)["incidents"]
    assert done.returncode == 3
    assert incident["outcome"] == "refused"
    assert [action["result"] for action in incident["actions"]] == ["InteractiveAuthorizationRequired"]
    assert product.state(machine, "shop.service") == "failed"


def test_a_helper_that_cannot_be_reached_is_told(machine: Machine) -> None:
    break_unit(machine, "shop.service")
    machine.run("systemctl", "mask", "--quiet", "heald-helper.service")
    done = healctl(machine, "heal", "--yes")
    assert done.returncode == 4
    assert "heald-helper.service is masked" in done.stdout
    assert product.state(machine, "shop.service") == "failed"


@pytest.mark.parametrize("command", ["check", "status", "heal", "history"])
def test_without_a_bus_it_is_out_of_reach_in_one_line(machine: Machine, command: str) -> None:
    nowhere = "unix:path=/nowhere"
    done = healctl(machine, command, user="nobody", DBUS_SYSTEM_BUS_ADDRESS=nowhere)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("healctl: no connection to the system bus at unix:path=/nowhere")
    assert done.stderr.count("\n") == 1


def test_a_history_that_is_not_there_yet_is_empty(machine: Machine) -> None:
    done = healctl(machine, "history")
    assert (done.returncode, done.stdout) == (0, "nothing has happened yet\n")


def test_without_a_daemon_its_state_is_out_of_reach(machine: Machine) -> None:
    done = healctl(machine, "status")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.count("\n") == 1
    assert "systemctl start heald" in done.stderr


@pytest.mark.parametrize(("text", "told"), [
    ('mood = "auto"\n', 'heald.toml: mood: unknown key; did you mean "mode"?'),
    ("[sense]\ninterval = 5\n", 'heald.toml: sense.interval: must be a time span such as "30s", not 5'),
    ('[[rule]]\nname = "x"\nkind = "unit-failed"\nladder = ["service/explode"]\n',
     'heald.toml: rule[1].ladder: "service/explode" is no operation'),
    ("mode =\n", "heald.toml: Invalid value (at line 1, column 7)"),
])
@pytest.mark.parametrize("command", ["check", "heal", "rules"])
def test_a_configuration_that_cannot_be_used_has_its_place_named(
        machine: Machine, text: str, told: str, command: str) -> None:
    machine.write("/etc/heald/heald.toml", text)
    done = healctl(machine, command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("healctl: /etc/heald/")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["explode"], ["heal", "--force"], ["history", "--count", "0"], ["check", "this"]])
def test_wrong_usage_is_two(machine: Machine, words: list[str]) -> None:
    assert healctl(machine, *words).returncode == 2


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
    assert [rule["name"] for rule in shown] == ["mine", "service", "job", "disk", "permissions"]
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
    program = ("import sys; sys.path[:0] = ['/usr/src/heald/controller']; import dbus_next, psutil, typer\n"
               "assert {m.__file__.split('/')[3] for m in (dbus_next, psutil, typer)} == {'python3'}\n"
               "from heald.face.cli import main; sys.exit(main())")
    for words, code in ((["--version"], 0), (["check", "--json"], 0), (["rules"], 0), (["--help"], 0), (["status"], 4),
                        (["heal", "--dry-run"], 0)):
        done = machine.run("/usr/bin/python3", "-I", "-c", program, *words, check=False)
        assert done.returncode == code, f"{words}: {done.stderr}"
