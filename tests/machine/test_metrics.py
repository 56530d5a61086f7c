"""Metrics and status page of the real daemon, in its sandbox, through a fault."""

import json
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from machine import product
from machine.healctl import document, healctl
from machine.machine import Machine

ON = '[sense]\ninterval = "2s"\n[metrics]\nenable = true\n'
LIMIT = "heald_limit_remaining"


@pytest.fixture(autouse=True)
def daemon(machine: Machine, clean: None) -> Iterator[None]:
    configure(machine, ON)
    machine.run("systemctl", "start", "heald.service")
    served(machine)
    yield
    machine.run("systemctl", "stop", "heald.service")


def configure(machine: Machine, text: str) -> None:
    machine.write("/etc/heald/heald.toml", text)


def curl(machine: Machine, path: str, *words: str, port: int = 9753) -> str:
    """What is answered, "" when nobody does. curl runs beside the daemon, not in its sandbox."""
    return machine.run("curl", "--silent", *words, f"http://127.0.0.1:{port}{path}", check=False).stdout


def served(machine: Machine, port: int = 9753) -> None:
    product.wait_until(lambda: "heald_build_info" in curl(machine, "/metrics", port=port), f"{port} is served")


def metric(machine: Machine, name: str, /, **labels: str) -> float | None:
    """One sample as it is now; None where there is no such."""
    for family in text_string_to_metric_families(curl(machine, "/metrics")):
        for sample in family.samples:
            if (sample.name, sample.labels) == (name, labels):
                return sample.value
    return None


def is_(machine: Machine, value: float | None, name: str, /, **labels: str) -> None:
    """Waits until a metric is as it should be."""
    product.wait_until(lambda: metric(machine, name, **labels) == value, f"{name}{labels} is {value}")


def test_a_fault_is_seen_counted_and_over(machine: Machine) -> None:
    is_(machine, 100, "heald_health_score")
    assert metric(machine, "heald_issues", kind="unit-failed", severity="high") == 0
    configure(machine, 'mode = "observe"\n' + ON)
    machine.run("systemctl", "reload", "heald.service")
    product.add_service(machine, "fault.service")
    product.kill(machine, "fault.service")
    is_(machine, 1, "heald_issues", kind="unit-failed", severity="high")
    is_(machine, 1, "heald_issue_info", kind="unit-failed", name="fault.service")
    is_(machine, 80, "heald_health_score")
    assert json.loads(curl(machine, "/health")) == {"version": 1, "status": "ok", "health": 80, "issues": 1}
    assert "1 issue: 1 high." in curl(machine, "/")
    configure(machine, ON)
    machine.run("systemctl", "reload", "heald.service")
    is_(machine, 1, "heald_repairs_total", operation="service/start", result="done")
    is_(machine, 0, "heald_issues", kind="unit-failed", severity="high")
    is_(machine, 100, "heald_health_score")
    assert metric(machine, "heald_repair_duration_seconds_count") == 1
    assert metric(machine, LIMIT, limit="incidents_per_hour") == 9
    product.wait_until(lambda: "Nothing is wrong." in curl(machine, "/"), "the page says so too")


def test_counts_outlive_a_restart(machine: Machine) -> None:
    product.add_service(machine, "counted.service")
    product.kill(machine, "counted.service")
    is_(machine, 1, "heald_repairs_total", operation="service/start", result="done")
    product.add_service(machine, "stopped.service", unit="ConditionPathExists=!/run/stopped")
    machine.write("/etc/heald/heald.toml.d/hands-off.toml",
                  '[[rule]]\nname = "hands off"\nkind = "unit-failed"\nsubject = "stopped.service"\nmode = "observe"\n')
    machine.run("systemctl", "reload", "heald.service")
    product.kill(machine, "stopped.service")
    is_(machine, 1, "heald_issue_info", kind="unit-failed", name="stopped.service")
    machine.run("systemctl", "start", "stopped.service")
    is_(machine, 1, "heald_incidents_total", kind="unit-failed", outcome="cleared")
    machine.run("systemctl", "restart", "heald.service")
    served(machine)
    assert metric(machine, "heald_repairs_total", operation="service/start", result="done") == 1
    assert metric(machine, "heald_incidents_total", kind="unit-failed", outcome="cleared") == 1
    assert metric(machine, "heald_repair_duration_seconds_count") == 1


def test_what_is_paused_is_counted(machine: Machine) -> None:
    healctl(machine, "pause", "shop.service", "1h")
    is_(machine, 1, "heald_paused")
    healctl(machine, "resume", "shop.service")
    is_(machine, 0, "heald_paused")


def test_who_asks_by_another_name_is_told_nothing(machine: Machine) -> None:
    status = ("--write-out", "%{http_code}", "--output", "/dev/null")
    evil = ("--header", "Host: evil.example.org")
    assert curl(machine, "/", *status, *evil) == "421"
    assert curl(machine, "/metrics", *status, *evil) == "421"
    assert curl(machine, "/", *status) == "200"
    assert curl(machine, "/etc/passwd", *status) == "404"
    assert curl(machine, "/", *status, "--request", "POST") == "405"
    configure(machine, ON + 'hosts = ["evil.example.org"]\n')
    machine.run("systemctl", "reload", "heald.service")
    product.wait_until(lambda: curl(machine, "/", *status, *evil) == "200", "it goes by that name")


def test_it_is_switched_on_and_off_by_a_reload(machine: Machine) -> None:
    configure(machine, ON + "port = 9754\n")
    machine.run("systemctl", "reload", "heald.service")
    served(machine, 9754)
    product.wait_until(lambda: curl(machine, "/") == "", "the old port is not served")
    configure(machine, "")
    machine.run("systemctl", "reload", "heald.service")
    product.wait_until(lambda: curl(machine, "/", port=9754) == "", "nothing is served")


@pytest.mark.parametrize(("address", "why"), [("127.0.0.1", "Address already in use"),
                                              ("192.0.2.9", "Cannot assign requested address")])
def test_where_it_cannot_listen_heald_says_so_in_a_line_and_heals(machine: Machine, address: str, why: str) -> None:
    squat = ("/usr/bin/python3", "-m", "http.server", "9755", "--bind", "127.0.0.1")
    machine.run("systemd-run", "--unit=squatter", *squat)
    product.wait_until(lambda: curl(machine, "/", port=9755) != "", "the port is in use")
    configure(machine, f'{ON}port = 9755\naddress = "{address}"\n')
    machine.run("systemctl", "restart", "heald.service")
    product.wait_until(lambda: f"cannot be served on {address}:9755" in said(machine), "it is said")
    [line] = [line for line in said(machine).splitlines() if f"{address}:9755" in line]
    assert line == (f"metrics cannot be served on {address}:9755: {why}; heald goes on without them: change address or "
                    "port below [metrics] in heald.toml, then `systemctl reload heald`")
    product.add_service(machine, unit := f"beside-{address}.service")
    product.kill(machine, unit)
    product.wait_until(lambda: product.state(machine, unit) == "active", f"{unit} is healed")
    machine.run("systemctl", "stop", "squatter.service")
    configure(machine, ON + "port = 9755\n")
    machine.run("systemctl", "reload", "heald.service")
    served(machine, 9755)


def said(machine: Machine) -> str:
    pid = product.state(machine, "heald.service", "InvocationID")
    return machine.journal(f"_SYSTEMD_INVOCATION_ID={pid}")


def test_a_flood_of_connections_does_not_keep_heald_from_healing(machine: Machine) -> None:
    flood = ("import socket\nheld = []\nwhile True:\n    held.append(socket.create_connection(('127.0.0.1', 9753)))\n"
             "    held[-1].send(b'GET / HTTP/1.1\\r\\nHost: localhost\\r\\n')\n    del held[:-200]\n")
    machine.run("systemd-run", "--unit=flood", "--uid=nobody", "/usr/bin/python3", "-c", flood)
    product.add_service(machine, "flooded.service")
    product.kill(machine, "flooded.service")
    product.wait_until(lambda: product.state(machine, "flooded.service") == "active", "flooded.service is healed")
    machine.run("systemctl", "stop", "flood.service")
    served(machine)
    assert product.state(machine, "heald.service", "NRestarts") == "0"
    assert "Traceback" not in said(machine)


def test_no_journal_line_is_served(machine: Machine) -> None:
    product.add_unit(machine, "telling.service", "[Service]\nExecStart=/bin/sh -c 'echo the secret is 4711; exit 1'\n")
    machine.run("systemctl", "start", "telling.service")
    is_(machine, 1, "heald_issue_info", kind="unit-failed", name="telling.service")
    product.wait_until(lambda: any(one["subject"] == "telling.service" and one["actions"] for one in document(
        healctl(machine, "history", "--json"))["incidents"]), "something was done about it")
    product.wait_until(lambda: "service/start telling.service" in curl(machine, "/"), "the page tells it")
    assert "4711" in machine.journal("-u", "telling.service")
    assert "4711" not in "".join(curl(machine, path) for path in ("/", "/metrics", "/health"))


def test_the_helper_is_not_started_to_see_whether_it_is_up(machine: Machine) -> None:
    """The last one: dbus-daemon has who calls next wait 25 s for a helper that failed while it was being started."""
    machine.run("systemctl", "stop", "heald-helper.service")
    assert metric(machine, "heald_helper_up") == 1
    assert product.state(machine, "heald-helper.service") == "inactive"
    machine.run("systemctl", "mask", "heald-helper.service")
    is_(machine, 0, "heald_helper_up")
    product.wait_until(lambda: "cannot be reached" in curl(machine, "/"), "the page says so too")
    machine.run("systemctl", "unmask", "heald-helper.service")
    is_(machine, 1, "heald_helper_up")
    machine.write("/run/systemd/system/heald-helper.service.d/broken.conf",
                  "[Service]\nExecStart=\nExecStart=/usr/bin/false\nRestart=no\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "heald-helper.service", check=False)
    product.wait_until(lambda: product.state(machine, "heald-helper.service") == "failed", "the helper has failed")
    is_(machine, 0, "heald_helper_up")
    machine.run("rm", "-r", "/run/systemd/system/heald-helper.service.d")
    machine.run("systemctl", "daemon-reload")
