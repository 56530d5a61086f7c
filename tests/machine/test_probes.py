"""A unit that runs and does not answer is healed; one that is slow, or that a person stopped, is left alone."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from machine import product
from machine.healctl import document, healctl
from machine.machine import Machine

SERVER = """\
import http.server, os, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(sys.argv[2] + ".asked", "a") as asked:
            asked.write(".")
        if os.path.exists(sys.argv[2] + ".slow"):
            os.unlink(sys.argv[2] + ".slow")
            time.sleep(1.5)
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PORTS = {"hung": 8001, "slow": 8002, "unlisted": 8003, "stopped": 8004}
CONFIGURATION = '[sense]\ninterval = "2s"\n' + "".join(
    f'[[probe]]\nunit = "{name}.service"\nhttp = "http://127.0.0.1:{port}/"\nevery = "1s"\ntimeout = "1s"\n'
    for name, port in PORTS.items())


@pytest.fixture(autouse=True, scope="module")
def daemon(machine: Machine) -> Iterator[None]:
    machine.write("/opt/server.py", SERVER)
    machine.write("/etc/heald/helper.toml", 'may_restart = ["hung.service", "slow.service", "stopped.service"]\n')
    machine.write("/etc/heald/heald.toml", CONFIGURATION)
    for name, port in PORTS.items():
        product.add_unit(machine, f"{name}.service",
                         f"[Service]\nExecStart=/usr/bin/python3 /opt/server.py {port} /run/{name}\n")
        machine.run("systemctl", "start", f"{name}.service")
    machine.run("systemctl", "start", "heald.service")
    for name in PORTS:
        product.wait_until(lambda name=name: asked(machine, name) > 0, f"{name} is asked")    # type: ignore[misc]
    yield
    machine.run("systemctl", "stop", "heald.service")


def asked(machine: Machine, name: str) -> int:
    """How often the server was asked."""
    return len(machine.read(f"/run/{name}.asked")) if machine.exists(f"/run/{name}.asked") else 0


def stop_answering(machine: Machine, name: str) -> str:
    """The main process lies still; its kernel still takes connections. Returns the InvocationID."""
    machine.run("systemctl", "kill", "--signal=STOP", f"{name}.service")
    return product.state(machine, f"{name}.service", "InvocationID")


def incidents(machine: Machine, name: str) -> list[dict[str, Any]]:
    known = document(healctl(machine, "history", "--json"))["incidents"]
    return [one for one in known if one["subject"] == f"{name}.service"]


def latest(machine: Machine, name: str, outcome: str) -> dict[str, Any]:
    product.wait_until(lambda: [one["outcome"] for one in incidents(machine, name)][:1] == [outcome],
                       f"the incident of {name} is {outcome}")
    return incidents(machine, name)[0]


def test_a_hung_service_is_restarted_and_answers(machine: Machine) -> None:
    before = stop_answering(machine, "hung")
    incident = latest(machine, "hung", "healed")
    assert (incident["kind"], incident["severity"]) == ("probe-failed", "high")
    assert [(one["operation"], one["result"]) for one in incident["actions"]] == [("service/restart", "done")]
    assert product.state(machine, "hung.service", "InvocationID") != before
    assert product.state(machine, "hung.service") == "active"


def test_a_slow_answer_is_none(machine: Machine) -> None:
    before = product.state(machine, "slow.service", "InvocationID")
    machine.write("/run/slow.slow", "")
    product.wait_until(lambda: not machine.exists("/run/slow.slow"), "it was slow once")
    so_far = asked(machine, "slow")
    product.wait_until(lambda: asked(machine, "slow") >= so_far + 5, "it was asked again and again")
    assert incidents(machine, "slow") == []
    assert product.state(machine, "slow.service", "InvocationID") == before


def test_root_must_have_listed_it(machine: Machine) -> None:
    before = stop_answering(machine, "unlisted")
    incident = latest(machine, "unlisted", "refused")
    assert [one["result"] for one in incident["actions"]] == ["AccessDenied"]
    assert "may_restart" in incident["reason"]
    assert product.state(machine, "unlisted.service", "InvocationID") == before


def test_a_stopped_unit_is_not_started(machine: Machine) -> None:
    machine.run("systemctl", "stop", "stopped.service")
    before = stop_answering(machine, "hung")
    product.wait_until(lambda: product.state(machine, "hung.service", "InvocationID") != before, "another was healed")
    assert product.state(machine, "stopped.service") == "inactive"
    assert incidents(machine, "stopped") == []


@pytest.mark.long
def test_one_look_asks_too(machine: Machine) -> None:
    machine.run("systemctl", "stop", "heald.service")
    stop_answering(machine, "hung")
    done = healctl(machine, "check", "--json")
    assert done.returncode == 1
    assert ("probe-failed", "hung.service") in [(i["kind"], i["subject"]) for i in json.loads(done.stdout)["issues"]]
    healed = healctl(machine, "heal", "--yes")
    assert "service/restart hung.service  done" in healed.stdout
    assert "hung.service is active, but" not in healed.stdout
