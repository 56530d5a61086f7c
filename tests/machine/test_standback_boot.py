"""A boot that is still in progress, for real: the machine is started again with a job in it that takes its time."""

import json
from typing import Any

from machine import product
from machine.healctl import healctl
from machine.machine import Machine


def test_boot_is_waited_for(machine: Machine) -> None:
    machine.write("/etc/heald/heald.toml", '[sense]\ninterval = "1s"\n')
    product.add_unit(machine, "hold.service", "[Service]\nType=oneshot\nTimeoutStartSec=infinity\n"
                     "ExecStart=/bin/sh -c 'until test -e /run/boot-goes-on; do sleep 0.1; done'\n"
                     "[Install]\nWantedBy=multi-user.target\n")
    product.add_unit(machine, "early.service", "[Service]\nExecStart=/bin/sh -c 'test -e /run/was-here && exec sleep "
                     "infinity; echo > /run/was-here; exit 1'\n[Install]\nWantedBy=multi-user.target\n")
    machine.run("systemctl", "enable", "hold.service", "early.service", "heald.service")
    machine.reboot()

    def known() -> list[dict[str, Any]]:
        done = healctl(machine, "status", "--json")
        incidents = json.loads(done.stdout)["incidents"] if done.stdout else []
        return [incident for incident in incidents if incident["subject"] == "early.service"]
    product.wait_until(lambda: bool(known()) and known()[0]["reason"].startswith("boot: "), "it waits for the boot")
    assert machine.run("systemctl", "is-system-running", check=False).stdout == "starting\n"
    assert product.state(machine, "early.service") == "failed"
    assert known()[0]["actions"] == []
    machine.write("/run/boot-goes-on", "")
    product.wait_until(lambda: product.state(machine, "early.service") == "active", "early.service was started")
