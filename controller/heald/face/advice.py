"""What a person may do next about an incident: a command to type, and why. Pure."""

import re
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from heald.document import Document

STOOD_BACK = {
    "stopped": ("a person stopped it; to have it up again", "systemctl start {}"),
    "masked": ("it is masked; to let it be started", "systemctl unmask {}"),
    "reload": ("its files were changed and not read; if they are as they should be", "systemctl daemon-reload"),
    "paused": ("it is paused; to end that now", "healctl resume {}"),
    "exit": ("what it needs is missing or wrong; systemd's view of it", "systemctl status {}"),
    "oom": ("memory is still short; who holds it", "systemd-cgtop --order=memory"),
    "conflicts": ("a start would stop another unit; which", "systemctl show --property=Conflicts,ConflictedBy {}"),
    "needs": ("what it needs was stopped; to have both up again", "systemctl start {}"),
    "failure-action": ("its failure is the whole machine's; to see what its file says", "systemctl cat {}"),
    "cluster": ("pacemaker decides where it runs; what it says", "pcs status"),
    "packages": ("packages are being installed; who is at work", "systemd-inhibit --list"),
    "job": ("systemd is at work on it; its jobs", "systemctl list-jobs"),
    "restarting": ("systemd is about to start it again; how it stands", "systemctl status {}"),
    "fleet": ("it is held for the fleet's sake; to have it repaired on this machine all the same", "healctl heal {id}"),
    "own": ("it is a part of heald, which never mends itself; how it stands", "systemctl status {}"),
}
"""The word that a reason to stand back begins with -> why, and a command; the others pass by themselves."""

LOOK = {
    "disk-full": ("what takes the most room", "du -xh --max-depth=2 {} | sort -h | tail"),
    "inodes-full": ("where the most files are", "du -x --inodes --max-depth=2 {} | sort -n | tail"),
    "memory-low": ("who holds memory", "systemd-cgtop --order=memory"),
    "pressure-memory": ("who holds memory", "systemd-cgtop --order=memory"),
    "swap-full": ("who holds memory", "systemd-cgtop --order=memory"),
    "pressure-io": ("who reads and writes", "systemd-cgtop --order=io"),
    "pressure-cpu": ("who computes", "systemd-cgtop --order=cpu"),
    "cpu-busy": ("who computes", "systemd-cgtop --order=cpu"),
    "load-high": ("who computes", "systemd-cgtop --order=cpu"),
    "permissions-wrong": ("how it is", "stat {}"),
}
"""Kind of issue -> what to look at where heald does nothing more."""


def advice(known: Mapping[str, Any]) -> list[Document]:
    """Each {why, command}, the first thing first; none where all is well again."""
    incident = known["incident"]
    if incident["closed"] is not None or incident["outcome"] in {"healed", "cleared"}:
        return []
    if incident["outcome"] == "stood-back":
        found = [STOOD_BACK[word]] if (word := incident["reason"].partition(":")[0]) in STOOD_BACK else []
    else:
        found = [*_repair(incident), *_causes(known), *_look(incident)]
    return [{"why": why, "command": command.format(quote(incident["subject"]), id=incident["id"])}
            for why, command in found]


def _repair(incident: Document) -> Iterator[tuple[str, str]]:
    if incident["outcome"] == "asked":
        yield "to have it done, as you", f"healctl heal {incident['id']}"
    elif incident["outcome"] == "open" and incident["next"]:
        yield "to have it done now, as you", f"healctl heal {incident['id']}"


def _causes(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was found out, and how to see more of it."""
    if (dump := re.search(r"coredumpctl info \d+", known["ended_by"] or "")) is not None:
        yield "where it crashed", dump[0]
    kinds = {change["kind"] for change in known["changes"]}
    if "generation" in kinds:
        yield "the system was changed just before; its generations", "nixos-rebuild list-generations"
    if "file" in kinds:
        yield "files of it were changed just before; what systemd has read", "systemctl cat {}"


def _look(incident: Document) -> Iterator[tuple[str, str]]:
    if not incident["kind"].startswith(("unit-", "probe-")):
        if incident["kind"] in LOOK:
            yield LOOK[incident["kind"]]
        return
    yield "how systemd sees it", "systemctl status {}"
    yield "what it said", "journalctl --boot --unit={}"
    if incident["outcome"] in {"refused", "observed", "gave-up"}:
        yield "once its cause is mended", "systemctl start {}"
