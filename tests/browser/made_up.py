"""A day on a shop's server that never was, and a quiet one: what the pictures of the status page show."""

from dataclasses import replace
from typing import Any

from heald import document
from heald.face.page import Shown
from heald.model import Action, Attempt, Category, Incident, Issue, Result, Severity

OFFSET, END = 1_795_501_600.0, 200_000.0        # which is 2026-11-26 at 14:00 UTC
HOUR = 3600.0


def _did(hours: float, took: float, what: str, result: str = "done", detail: str = "") -> Attempt:
    name, _, target = what.partition(" ")
    category, _, operation = name.partition("/")
    at = END - hours * HOUR
    return Attempt(Action(Category(category), operation, target), at, at + took, Result(result, detail))


def _was(number: int, what: tuple[str, str], hours: float, over: float | None, *attempts: Attempt,
         severity: Severity = Severity.HIGH, outcome: str = "healed", **facts: Any) -> Incident:
    """An incident from so many hours ago until so many hours ago."""
    well = None if over is None else END - over * HOUR
    closed = None if well is None or well + 600 > END else well + 600
    return Incident(number, *what, severity, END - hours * HOUR, outcome, attempts=attempts, well=well,
                    closed=closed, **facts)


UP = "failed -> active (success)"
RESTART = Action(Category.SERVICE, "start", "thumbnails.service")
LIMIT = Action(Category.RESOURCE, "limit-memory", "reports.service")
DAY = (
    _was(31, ("unit-failed", "shop.service"), 22.5, 22.499,
         _did(22.5, 0.21, "service/start shop.service", detail=UP)),
    _was(32, ("disk-full", "/var"), 17.2, 16.4,
         _did(17.2, 1.8, "resource/clean-packages", detail="94 -> 93 (success)"),
         _did(17.19, 2.4, "resource/clean-temporary", detail="93 -> 93 (success)"),
         _did(17.18, 6.1, "resource/vacuum-journal", detail="93 -> 76 (success)"), severity=Severity.CRITICAL),
    _was(33, ("unit-failed", "mail-queue.service"), 17.1, 16.3,
         _did(16.3, 0.34, "service/start mail-queue.service", detail=UP)),
    _was(34, ("permissions-wrong", "/tmp"), 9.0, 8.99,
         _did(9.0, 0.16, "system/restore-permissions", detail="success")),
    _was(35, ("unit-failed", "backup-daily.service"), 7.2, 5.5, severity=Severity.MEDIUM, outcome="cleared"),
    _was(36, ("unit-failed", "thumbnails.service"), 1.1, None,
         _did(1.1, 0.19, "service/start thumbnails.service", detail=UP),
         _did(1.09, 0.22, "service/start thumbnails.service", "Failed", "exit-code"),
         _did(1.05, 0.41, "service/repair thumbnails.service", "Failed", "exit-code"), outcome="gave-up",
         reason="service/start and service/repair did not help", next=(RESTART, END + 840)),
    _was(37, ("memory-low", "machine"), 0.2, None, outcome="asked", reason="the rule \"memory\" asks",
         next=(LIMIT, END + 23.8 * HOUR)),
)
ISSUES = (
    Issue("unit-failed", "thumbnails.service", Severity.HIGH, END - 1.1 * HOUR, "failed", "failed",
          "thumbnails.service has failed: exit-code, status 1"),
    Issue("memory-low", "machine", Severity.HIGH, END - 0.2 * HOUR, 6.1, 10.0,
          "6 % of memory is available, tasks wait for it; reports.service has 48% of what is used"),
)
KNOWN: dict[str, Any] = {
    "Version": "0.1.0", "Mode": "auto", "Health": 60, "Limits": {"incidents_left": 8, "rollbacks_left": 3},
    "Issues": [document.issue(issue, number, OFFSET) for issue, number in zip(ISSUES, (36, 37), strict=True)],
    "Incidents": [document.incident(one, OFFSET) for one in DAY],
    "Paused": [{"subject": "nginx.service", "until": document.moment(END + 2 * HOUR, OFFSET)}],
}
EVENTFUL = Shown("shop-1", KNOWN, DAY, END, OFFSET, helper=True, behind=False, most=300)
QUIET = replace(EVENTFUL, day=(), known={**KNOWN, "Health": 100, "Issues": [], "Incidents": [], "Paused": []})
