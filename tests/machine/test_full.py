"""File systems that are really full, of bytes or of inodes, and what is tried on them."""

import json
from typing import Any

import pytest

from machine import product
from machine.machine import Machine

QUICK = '[sense]\ninterval = "1s"\n[[rule]]\nname = "now"\nkind = "{kind}"\nfor = "0s"\nladder = {ladder}\n'
LADDER = '["resource/clean-packages", "resource/clean-temporary", "resource/vacuum-journal"]'


def incident(machine: Machine, subject: str) -> dict[str, Any]:
    shown = json.loads(machine.run("healctl", "history", "--json").stdout)["incidents"]
    return next((one for one in shown if one["subject"] == subject), {"outcome": "open"})


def watch(machine: Machine, kind: str, subject: str, outcome: str) -> dict[str, Any]:
    """The incident of a file system, as soon as heald.service has said what comes of it."""
    machine.write("/etc/heald/heald.toml", QUICK.format(kind=kind, ladder=LADDER))
    machine.run("systemctl", "start", "heald.service")
    product.wait_until(lambda: incident(machine, subject)["outcome"] == outcome, f"{subject}: {outcome}")
    return incident(machine, subject)


@pytest.mark.usefixtures("clean")
def test_inodes_that_are_used_up_are_an_issue_and_what_frees_elsewhere_is_not_tried(machine: Machine) -> None:
    machine.run("sh", "-c", "mkdir /mnt/few; mount -t tmpfs -o nr_inodes=100 few /mnt/few; touch /mnt/few/$(seq -s ' "
                            "/mnt/few/' 1 95)")
    seen = watch(machine, "inodes-full", "/mnt/few", "gave-up")
    assert seen["kind"] == "inodes-full"
    assert seen["actions"] == []
    assert 'no rung of rule "now" applies here' in seen["reason"]
    machine.run("umount", "/mnt/few")


@pytest.mark.usefixtures("clean")
def test_one_issue_for_a_device_that_is_mounted_twice(machine: Machine) -> None:
    machine.run("sh", "-c", "mkdir /mnt/once /mnt/twice; mount -t tmpfs -o size=1m once /mnt/once;"
                            "head -c 2M /dev/zero > /mnt/once/zeros; mount --bind /mnt/once /mnt/twice", check=False)
    watch(machine, "disk-full", "/mnt/once", "gave-up")
    assert incident(machine, "/mnt/twice")["outcome"] == "open"        # there is none
    machine.run("umount", "/mnt/twice", "/mnt/once")
