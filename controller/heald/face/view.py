"""What the dashboard knows and what its person chose: the state that a picture is made of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from heald.readings import FileSystem

Document = Mapping[str, Any]
ORDER = ("critical", "high", "medium", "low")


@dataclass(slots=True)
class View:
    """All that a picture shows. `known`: org.heald.Controller1's properties, with their nulls; None: no heald runs,
    and `gone` says why."""

    now: datetime                           # local time
    known: Document | None = None
    gone: str = ""
    gauges: dict[str, list[float | None]] = field(default_factory=dict)     # per cent, the newest last
    disks: tuple[FileSystem, ...] = ()
    events: list[Document] = field(default_factory=list)                    # as `healctl watch` has them, oldest first
    chosen: tuple[str, str] = ("", "")      # kind and subject of the selected issue
    page: str = ""                          # "", "help" or "story"
    story: list[str] = field(default_factory=list)      # of the selected issue, as `healctl why` tells it
    scrolled: int = 0                       # lines of the story above the first that is shown
    note: str = ""                          # how the last key ended

    @property
    def issues(self) -> list[Document]:
        """Open ones, the worst first."""
        found = self.known["Issues"] if self.known else []
        return sorted(found, key=lambda i: (ORDER.index(i["severity"]), i["since"]))

    @property
    def selected(self) -> Document | None:
        """The chosen issue, or the first."""
        issues = self.issues
        return next((i for i in issues if (i["kind"], i["subject"]) == self.chosen), issues[0] if issues else None)

    def move(self, steps: int) -> None:
        """Choose an issue further down, or up; scroll the story."""
        if self.page == "story":
            self.scrolled = max(0, min(self.scrolled + steps, len(self.story) - 1))
        elif issues := self.issues:
            place = issues.index(self.selected) + steps     # type: ignore[arg-type]
            issue = issues[max(0, min(place, len(issues) - 1))]
            self.chosen = issue["kind"], issue["subject"]

    def incident(self, number: str | None) -> Document | None:
        """As the daemon knows it."""
        incidents = self.known["Incidents"] if self.known else []
        return next((one for one in incidents if one["id"] == number), None)

    def paused(self, subject: str) -> str:
        """Until when, or ""."""
        found = self.known["Paused"] if self.known else []
        return next((str(one["until"]) for one in found if one["subject"] == subject), "")
