"""The status page: HTML made here, no script, light and dark, readable on a phone and read aloud. Pure.

Every text that is not ours is escaped; every colour has its word beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from heald import day
from heald.face import chart
from heald.face.style import STYLE
from heald.model import Attempt, Incident
from heald.quantities import span

ROWS = 50               # of a table at most
SHAPES = {"critical": "◆", "high": "▲", "medium": "■", "low": "●"}
@dataclass(frozen=True, slots=True)
class Shown:
    """What the page tells. `known` is what Controller1 shows; `day` the incidents of the day that ends at `end`, in
    boottimes, which `offset` makes seconds since the epoch; `most`: how many of them were looked at, at most."""

    host: str
    known: Mapping[str, Any]
    day: Sequence[Incident]
    end: float
    offset: float
    helper: bool
    behind: bool
    most: int

    @property
    def begin(self) -> float:
        return self.end - day.DAY

    def at(self, stamp: float) -> datetime:
        """In the machine's own time."""
        return datetime.fromtimestamp(stamp + self.offset).astimezone()

    def time(self, stamp: float) -> str:
        """For people and, as RFC 3339, for programs."""
        return self.moment(self.at(stamp))

    def moment(self, at: datetime) -> str:
        words = at.strftime("%H:%M:%S" if at.date() == self.at(self.end).date() else "%b %d, %H:%M")
        return f'<time datetime="{at.isoformat(timespec="seconds")}">{words}</time>'


def html(shown: Shown) -> str:
    """The whole page."""
    known = shown.known
    issues = known["Issues"]
    title = f"{escape(shown.host)}: health {known['Health']} of 100"
    sections = [
        _section("now", "What is wrong now", _now(shown)),
        _section("day", "The last day", _day(shown)),
        _section("done", "What was done", _done(shown)),
        _section("past", "What went wrong", _past(shown)),
        _section("heald", "heald itself", _itself(shown)),
    ]
    says = f"{_count(len(issues), 'issue')}: {_by_severity(issues)}" if issues else "Nothing is wrong."
    if shown.behind:
        says = "heald cannot look at this machine now: what follows is old. See `journalctl -u heald`."
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title><style>{STYLE}</style></head>\n'
        f'<body><header><h1>{title}</h1><p>{says}</p><p class="soft">As of {shown.time(shown.end)}; load it again for '
        f'what is newer.</p></header>\n<main>{"".join(sections)}</main>\n'
        f'<footer>heald {escape(known["Version"])} · <a href="/metrics">metrics</a> · <a href="/health">health</a>'
        "</footer></body></html>\n")


def _section(name: str, title: str, inside: str) -> str:
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>\n{inside}</section>\n'


def _now(shown: Shown) -> str:
    issues = shown.known["Issues"]
    if not issues:
        return f'<p class="well">✓ Nothing {"was wrong when heald could look" if shown.behind else "is wrong"}.</p>'
    incidents = {one["id"]: one for one in shown.known["Incidents"]}
    rows = [(_severity(issue["severity"]), _with(escape(issue["subject"]), f"{issue['kind']}: {issue['detail']}"),
             shown.moment(_read(issue["since"])), _doing(shown, incidents.get(issue["id"]))) for issue in issues[:ROWS]]
    caption = f"The worst {ROWS}; `healctl status` has all." if len(issues) > ROWS else ""
    return _table(caption, ("Severity", "What", "Since", "What heald does"), rows, 1, wide={2})


def _doing(shown: Shown, incident: Mapping[str, Any] | None) -> str:
    """What is done about an issue, and what comes next."""
    if incident is None:
        return "it is looked at"
    said = escape(": ".join(part for part in (incident["outcome"], incident["reason"]) if part))
    planned = incident["next"]
    if planned is None:
        return said
    what = escape(f"{planned['operation']} {planned['target']}".rstrip())
    if incident["outcome"] == "asked":
        return f"{said}<br>To have {what} done: <code>healctl heal {escape(incident['id'])}</code>"
    return f"{said}<br>Next: {what} at {shown.moment(_read(planned['at']))}"


def _day(shown: Shown) -> str:
    steps = day.steps(shown.day, shown.begin, shown.end)
    steps.append(day.Step(shown.end, shown.known["Health"], len(shown.known["Issues"])))
    done = [a for a in day.attempts(shown.day, shown.begin) if _is_repair(a)]
    failed = sum(not chart.is_done(attempt) for attempt in done)
    lowest = min(steps, key=lambda step: step.health)
    most = max(steps, key=lambda step: step.issues)
    said = (
        f"Health, from 100 down to 0: lowest {lowest.health}, at {shown.time(lowest.at)}." if lowest.health < 100
        else "Health: 100 throughout.",
        f"Issues: at most {most.issues} at once." if most.issues else "Issues: none.",
        f"Repairs: {len(done)}, of which {failed} failed (a short mark)." if done else "Repairs: none.")
    hours = "".join(f"<span>{shown.at(shown.end - back * 3600):%H:%M}</span>" for back in (24, 18, 12, 6, 0))
    return (
        f'<figure><div class="lanes"><span>Health</span>{chart.health(steps, shown.begin)}'
        f"<span>Issues</span>{chart.issues(steps, shown.begin)}"
        f"<span>Repairs</span>{chart.repairs(done, shown.begin)}"
        f'<div class="hours soft" aria-hidden="true">{hours}</div></div>\n'
        f"<figcaption>{' '.join(said)}</figcaption></figure>")


def _is_repair(attempt: Attempt) -> bool:
    return attempt.action.operation != "unlimit" and (attempt.result is None or attempt.result.begun)


def _done(shown: Shown) -> str:
    attempts = day.attempts(shown.day, shown.begin)
    rows = []
    for attempt in attempts[:ROWS]:
        result = attempt.result
        took = span(attempt.finished - attempt.started) if attempt.finished else ""
        word = result.state if result else "not finished"
        kind = "well" if chart.is_done(attempt) else "high"
        rows.append((shown.time(attempt.started), escape(str(attempt.action)),
                     _with(f'<span class="{kind}">{escape(word)}</span>', result.detail if result else ""), took))
    return _table(_newest(len(attempts), shown), ("When", "Operation", "Result", "Took"), rows, 1, wide={3})


def _past(shown: Shown) -> str:
    newest = sorted(shown.day, key=lambda incident: incident.opened, reverse=True)
    rows = [(shown.time(one.opened), _with(escape(one.subject), one.kind), _severity(one.severity.label),
             escape(one.outcome), "not over" if (over := day.over(one)) is None else shown.time(over))
            for one in newest[:ROWS]]
    heads = ("Opened", "What", "Severity", "Outcome", "Over")
    return _table(_newest(len(newest), shown), heads, rows, 1, wide={4})


def _newest(number: int, shown: Shown) -> str:
    """The caption of a table of the last day."""
    if number <= ROWS and len(shown.day) < shown.most:
        return "In the last 24 hours, the newest first."
    return f"The newest {min(number, ROWS)} of the last 24 hours; `healctl history` has all."


def _itself(shown: Shown) -> str:
    known = shown.known
    left = known["Limits"].get("incidents_left", 0)
    facts = [
        ("Mode", escape(known["Mode"])),
        ("Root's helper", "can be reached" if shown.helper else '<span class="high">▲ cannot be reached</span>: see '
                                                                "<code>systemctl status heald-helper</code>"),
        ("Left this hour", _count(left, "incident")),
        *(("Paused", f"{escape(one['subject'])} until {shown.moment(_read(one['until']))}") for one in known["Paused"]),
    ]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{said}</dd>' for name, said in facts)}</dl>"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], row_head: int, wide: set[int]) -> str:
    """The column `row_head` names its row; those of `wide` are left out where there is no room.

    Roles are written out: laid out for a phone, a table is none any more for some browsers.
    """
    def cell(place: int, inside: str, tag: str = 'td role="cell"') -> str:
        kind = ' class="wide"' if place in wide else ""
        return f"<{tag}{kind}>{inside}</{tag[:2]}>"

    def row(cells: Iterable[str]) -> str:
        return f'<tr role="row">{"".join(cells)}</tr>\n'

    head = 'th role="rowheader" scope="row"'
    body = [row(cell(n, said, *((head,) if n == row_head else ())) for n, said in enumerate(cells)) for cells in rows]
    if not body:
        return '<p class="soft">Nothing in the last 24 hours.</p>'
    above = row(cell(n, name, 'th role="columnheader" scope="col"') for n, name in enumerate(heads))
    said = f"<caption>{caption}</caption>" if caption else ""
    return (f'<table role="table">{said}<thead role="rowgroup">{above}</thead>\n'
            f'<tbody role="rowgroup">{"".join(body)}</tbody></table>')


def _with(html: str, more: str) -> str:
    """A cell's first line, and a text below it."""
    return f'{html}<br><span class="soft">{escape(more)}</span>' if more else html


def _severity(word: str) -> str:
    return f'<span class="mark {word}"><span aria-hidden="true">{SHAPES[word]}</span> {word}</span>'


def _by_severity(issues: Iterable[Mapping[str, Any]]) -> str:
    words = [issue["severity"] for issue in issues]
    return ", ".join(f"{words.count(word)} {word}" for word in SHAPES if word in words) + "."


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _read(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp).astimezone()
