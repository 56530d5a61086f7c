"""Three booted machines, each with heald and node_exporter, a real Prometheus that scrapes them, a real Alertmanager.

The machines have networks of their own: a door leads Prometheus in, and heald out to Prometheus.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fleet.services import FLEET, Receiver, Service, alertmanager, changed, free_port, prometheus, receiver
from machine import product
from machine.healctl import document, healctl
from machine.machine import CannotBootError, Machine

HERE = Path(__file__).parent
COUNT = 3
HEALD = """\
[sense]
interval = "2s"
[metrics]
enable = true
[fleet]
prometheus = "http://127.0.0.1:9090"
max_unhealthy = "50%"
settle = "6s"
"""
SHOP = '[Service]\nExecStart=/bin/sh -c "test ! -e /run/broken-%n && exec sleep infinity"\n'


@dataclass
class Played:
    """All that runs. `addresses` are where each machine is reached from outside."""

    machines: list[Machine]
    addresses: list[str]
    prometheus: Service
    alertmanager: Service
    told: Receiver
    stop_prometheus: Callable[[], None] = field(repr=False)

    def push(self, unit: str, *places: int) -> None:
        """A push that breaks the unit on these machines: it ends, and cannot be started any more."""
        for place in places:
            machine = self.machines[place]
            machine.run("touch", f"/run/broken-{unit}")
            product.kill(machine, unit)

    def mend(self, unit: str, *places: int) -> None:
        """What the push broke is as it was; nothing is started."""
        for place in places:
            self.machines[place].run("rm", f"/run/broken-{unit}")

    def active(self, unit: str, place: int) -> bool:
        return product.state(self.machines[place], unit) == "active"

    def incident(self, unit: str, place: int) -> dict[str, Any]:
        """The newest one of the unit; {} where there is none."""
        known = document(healctl(self.machines[place], "history", "--json"))["incidents"]
        return next((one for one in known if one["subject"] == unit), {})

    def is_held(self, unit: str, place: int) -> bool:
        """heald stands back from it for the fleet's sake."""
        incident = self.incident(unit, place)
        return (incident.get("outcome"), incident.get("reason", "").partition(":")[0]) == ("stood-back", "fleet")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("fleet")
    with ExitStack() as stack:
        try:
            machines = [stack.enter_context(Machine.boot("heald-fleet")) for _ in range(COUNT)]
        except CannotBootError as why:
            pytest.skip(f"no machine can be booted here: {why}")
        for machine in machines:
            begin(machine)
        net = os.getpid() % 200 + 20        # of loopback's many: another run has another
        addresses = [f"127.{net}.0.{place}" for place in range(1, COUNT + 1)]
        ports = free_port(), free_port()
        stack.enter_context(doors(machines, addresses, ports[0]))
        told = stack.enter_context(receiver())
        manager = stack.enter_context(alertmanager(folder, ports[1], told, group_wait="1s", group_interval="1s"))
        configure(folder, addresses, ports[1])
        until = stack.enter_context(ExitStack())
        service = until.enter_context(prometheus(folder, ports[0]))
        played = Played(machines, addresses, service, manager, told, until.close)
        for job in ("heald", "node"):
            up = f'count(up{{job="{job}"}} == 1)'
            product.wait_until(lambda up=up: service.value(up) == COUNT, f"{job} is scraped")   # type: ignore[misc]
        yield played


def begin(machine: Machine) -> None:
    """heald and node_exporter run in it, and the services that are pushed to."""
    product.make(machine, "install")
    machine.write("/etc/heald/heald.toml", HEALD)
    for unit in ("few.service", "bad.service", "loop.service", "alone.service"):
        product.add_unit(machine, unit, SHOP)
    machine.run("systemctl", "start", "heald.service", "few.service", "bad.service", "loop.service", "alone.service")
    machine.run("systemd-run", "--unit=node", "prometheus-node-exporter", "--web.listen-address=127.0.0.1:9100",
                "--collector.disable-defaults", "--collector.systemd")


@contextmanager
def doors(machines: list[Machine], addresses: list[str], port: int) -> Iterator[None]:
    """Each machine's two exporters at its address out here, and Prometheus in there."""
    here, words = str(os.getpid()), list[str]()
    for machine, address in zip(machines, addresses, strict=True):
        inside = str(machine.leader)
        for exporter in ("9753", "9100"):
            words += here, address, exporter, inside, "127.0.0.1", exporter
        words += inside, "127.0.0.1", "9090", here, "127.0.0.1", str(port)
    with subprocess.Popen([sys.executable, str(HERE / "door.py"), *words], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            yield
        finally:
            process.kill()


def configure(folder: Path, addresses: list[str], manager: int) -> None:
    """fleet/prometheus.yml and its rules as they stand, but in a hurry and for these machines; and the rule that
    node_exporter has of its own."""
    (folder / "machines").mkdir()
    targets = "".join(f"    - {address}\n" for address in addresses)
    (folder / "machines/all.yml").write_text(f"- targets:\n{targets}")
    text = changed((FLEET / "prometheus.yml").read_text(), scrape_interval="1s", scrape_timeout="1s",
                   evaluation_interval="1s")
    text = text.replace("127.0.0.1:9093", f"127.0.0.1:{manager}")
    text = text.replace("  - heald.rules.yml\n", f"  - heald.rules.yml\n  - {HERE}/node.rules.yml\n")
    (folder / "heald.rules.yml").write_text((FLEET / "heald.rules.yml").read_text().replace("[45s]", "[10s]"))
    (folder / "prometheus.yml").write_text(text)


def test_what_one_machine_has_is_healed_after_the_fleet_was_asked(played: Played) -> None:
    product.kill(played.machines[0], "few.service")
    product.wait_until(lambda: played.active("few.service", 0), "it is healed")
    story = document(healctl(played.machines[0], "why", "--json", played.incident("few.service", 0)["id"]))
    assert story["steps"][1]["reason"] == "the fleet is asked first, 6s after the issue was seen"
    assert not played.told.told("HealdFleetBrake")
    checks = document(healctl(played.machines[0], "doctor", "--json"))["checks"]
    [fleet] = [check for check in checks if check["name"] == "fleet"]
    assert (fleet["state"], fleet["detail"]) == ("ok", "3 machines are counted at http://127.0.0.1:9090")


def test_node_exporter_s_own_alert_is_quiet_while_heald_is_at_work(played: Played) -> None:
    """The unit cannot be started: heald is at work on it for more than half a minute."""
    played.push("loop.service", 1)

    def is_quiet() -> bool:
        of = {"instance": played.addresses[1], "name": "loop.service"}
        ours = played.alertmanager.alerts("HealdAtWork", **of)
        theirs = played.alertmanager.alerts("NodeSystemdServiceFailed", **of)
        return bool(ours) and any(alert["status"]["state"] == "suppressed"
                                  and ours[0]["fingerprint"] in alert["status"]["inhibitedBy"] for alert in theirs)
    product.wait_until(is_quiet, "the alert of node_exporter is inhibited by heald's")
    played.mend("loop.service", 1)
    played.machines[1].run("systemctl", "start", "loop.service")
    product.wait_until(lambda: not played.prometheus.query('ALERTS{alertname="HealdAtWork",name="loop.service"}'),
                       "heald is not at work on it any more")
    assert not played.told.told("HealdAtWork")


def test_a_bad_push_closes_the_brake_and_a_mended_one_opens_it(played: Played) -> None:
    played.push("bad.service", 0, 1)
    product.wait_until(lambda: played.is_held("bad.service", 0) and played.is_held("bad.service", 1), "both stand back")
    for place in (0, 1):
        assert played.incident("bad.service", place)["actions"] == []
    said = healctl(played.machines[0], "why", played.incident("bad.service", 0)["id"]).stdout
    assert "66.7 % of 3 machines have the same issue (more than 50 %)" in " ".join(said.split())
    assert f"healctl heal {played.incident('bad.service', 0)['id']}" in said

    product.wait_until(lambda: len(played.told.told("HealdFleetBrake", name="bad.service")) == 1, "somebody is told")
    product.wait_until(lambda: {alert["status"]["state"] for alert in played.alertmanager.alerts(
        "NodeSystemdServiceFailed", name="bad.service")} == {"suppressed"}, "of each machine nobody is told")
    assert played.prometheus.value('fleet:heald_issue_info:share{name="bad.service"}') == pytest.approx(2 / 3)

    played.mend("bad.service", 0, 1)
    done = document(healctl(played.machines[0], "heal", "--yes", "--json", played.incident("bad.service", 0)["id"]))
    assert done["issues"] == []         # a person is not held
    assert played.active("bad.service", 0)
    product.wait_until(lambda: played.active("bad.service", 1), "the other one is healed: the brake is open")
    product.wait_until(lambda: played.incident("bad.service", 1)["outcome"] == "healed", "heald did it")
    product.wait_until(lambda: bool(played.told.told("HealdFleetBrake", "resolved", name="bad.service")),
                       "somebody is told that it is over")
    assert len(played.told.told("HealdFleetBrake", name="bad.service")) == 1


def test_without_prometheus_heald_acts_as_if_alone_and_says_so_once(played: Played) -> None:
    played.stop_prometheus()
    for place in (0, 1):
        product.kill(played.machines[place], "alone.service")
    for place in (0, 1):
        product.wait_until(lambda at=place: played.active("alone.service", at), "it is healed")     # type: ignore[misc]
        said = played.machines[place].journal("-t", "heald").splitlines()
        lines = [line for line in said if "cannot be asked" in line]
        assert len(lines) == 1
        assert lines[0].startswith("Prometheus at http://127.0.0.1:9090 cannot be asked: ")
        assert lines[0].endswith("; until it answers heald acts as if alone; see healctl doctor")


def test_a_reload_switches_it_off(played: Played) -> None:
    machine = played.machines[2]
    machine.write("/etc/heald/heald.toml", HEALD.partition("[fleet]")[0])
    machine.run("systemctl", "reload", "heald.service")
    product.kill(machine, "few.service")
    product.wait_until(lambda: played.incident("few.service", 2).get("outcome") == "healed", "it is healed")
    story = document(healctl(machine, "why", "--json", played.incident("few.service", 2)["id"]))
    assert not [step for step in story["steps"] if "fleet" in step["reason"]]
