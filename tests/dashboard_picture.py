"""Draws docs/pictures/dashboard.svg from an evening on a small server: `PYTHONPATH=controller python
tests/dashboard_picture.py`."""

import io
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console, Group

from heald.face.picture import picture
from heald.face.view import Document, View
from heald.readings import FileSystem

FILE = Path(__file__).resolve().parents[1] / "docs/pictures/dashboard.svg"
GIB = 1 << 30
NOW = datetime(2026, 11, 25, 20, 15, 30, tzinfo=UTC)


def at(clock: str) -> str:
    return f"2026-11-25T{clock}.000Z"


def action(operation: str, target: str, started: str, finished: str | None, result: str | None) -> dict[str, Any]:
    return {"operation": operation, "target": target, "started": at(started),
            "finished": at(finished) if finished else None, "result": result, "detail": ""}


def incident(words: str, *actions: dict[str, Any], reason: str = "", **more: Any) -> dict[str, Any]:
    """From "ID KIND SUBJECT SEVERITY OUTCOME"."""
    named = dict(zip(("id", "kind", "subject", "severity", "outcome"), words.split(), strict=True))
    return {**named, "opened": at("20:10:00"), "healed": None, "closed": None, "reason": reason, "next": None,
            "actions": list(actions), **more}


def issue(words: str, detail: str) -> dict[str, Any]:
    """From "ID KIND SUBJECT SEVERITY SINCE VALUE THRESHOLD"."""
    keys = ("id", "kind", "subject", "severity", "since", "value", "threshold")
    named = dict(zip(keys, words.split(), strict=True))
    return {**named, "since": at(named["since"]), "detail": detail}


def wave(size: float, middle: float) -> list[float | None]:
    return [middle + size * math.sin(x / 5) * math.cos(x / 17) for x in range(200)]


def evening() -> View:
    """Three things are wrong: one waits for its disk, one is asked about, one is being repaired."""
    known = {
        "Version": "0.1.0", "Mode": "auto", "Health": 38, "Limits": {"incidents_left": 7, "rollbacks_left": 3},
        "Paused": [{"subject": "backup.service", "until": at("21:00:00")}],
        "Issues": [
            issue("12 unit-failed shop.service high 20:15:12 failed failed",
                  "shop.service is failed (signal)"),
            issue("11 disk-full /var critical 20:14:50 97.4 90", "/var is 97 % full, 210 MiB are free"),
            issue("13 memory-low machine high 20:13:20 7.9 10",
                  "8 % of memory are available; search.service holds 61 % of it"),
        ],
        "Incidents": [
            incident("13 memory-low machine high asked", reason='rule "memory"',
                     next={"operation": "resource/limit-memory", "target": "search.service", "at": at("23:59:00")}),
            incident("12 unit-failed shop.service high open", reason="waits for /var, which is critically full",
                     next={"operation": "service/start", "target": "shop.service", "at": at("20:16:00")}),
            incident("11 disk-full /var critical open",
                     action("resource/clean-packages", "", "20:14:51", "20:14:53", "done"),
                     action("resource/vacuum-journal", "", "20:15:26", None, None), reason='rule "disk"'),
            incident("10 permissions-wrong /tmp high healed",
                     action("system/restore-permissions", "", "20:11:02", "20:11:02", "done"), healed=at("20:11:02")),
            incident("9 unit-failed mail.service high healed",
                     action("service/start", "mail.service", "20:10:00", "20:10:00", "Failed"),
                     action("service/repair", "mail.service", "20:10:30", "20:10:31", "done"), healed=at("20:10:31")),
        ],
    }
    events: list[Document] = [
        {"time": at("20:10:30"), "event": "began", "id": "9", "kind": "unit-failed", "subject": "mail.service",
         "operation": "service/repair", "target": "mail.service", "result": None},
        {"time": at("20:10:31"), "event": "healed", "id": "9", "kind": "unit-failed", "subject": "mail.service"},
        {"time": at("20:14:50"), "event": "opened", "id": "11", "kind": "disk-full", "subject": "/var"},
        {"time": at("20:14:53"), "event": "ended", "id": "11", "kind": "disk-full", "subject": "/var",
         "operation": "resource/clean-packages", "target": "", "result": "done"},
        {"time": at("20:15:12"), "event": "opened", "id": "12", "kind": "unit-failed", "subject": "shop.service"},
    ]
    disks = (FileSystem("/", "/dev/vda1", "ext4", 40 * GIB, 17 * GIB, 21 * GIB),
             FileSystem("/var", "/dev/vda2", "ext4", 8 * GIB, 8 * GIB - 215 * (1 << 20), 210 * (1 << 20)))
    gauges = {"cpu": wave(30, 40), "memory": wave(6, 87), "waits for cpu": wave(4, 3), "waits for memory": wave(10, 8),
              "waits for disks": wave(20, 12)}
    return View(NOW, known, "", gauges, disks, events)


def svg(width: int = 100, height: int = 30) -> str:
    console = Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=True,
                      color_system="truecolor", legacy_windows=False, _environ={})
    console.print(Group(*picture(evening(), width, height)))
    drawn = re.sub(r"@font-face \{.*?\}\n", "", console.export_svg(title="healctl dashboard"), flags=re.DOTALL)
    drawn = drawn.replace("<text ", '<text xml:space="preserve" ')       # not all that draw it keep its spaces else
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


if __name__ == "__main__":
    FILE.write_text(svg())
