"""The dashboard as lines of text: what is known goes in, a picture of any size comes out. Pure.

Every mark has its word and every bar its number, so that nothing is told by colour alone.
"""

from datetime import datetime

from rich.text import Text

from heald import __version__
from heald.face import text as words
from heald.face.drawing import UNICODE, Glyphs, Section, bar, beside, fit, sparkline, stack
from heald.face.view import Document, View
from heald.quantities import amount, span
from heald.readings import FileSystem

WIDE = 130              # columns from which on two columns stand side by side
LOW = 16                # lines below which only what is wrong is sure to be seen
CELL = 38               # columns of one gauge
STYLE = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}
KEYS = (("up/down, j/k", "select an issue; scroll its story"),
        ("r, Enter", "repair it now, as you: polkit may ask for your password"), ("s", "its story"),
        ("p", "have heald keep its hands off it for an hour, or no longer"),
        ("Esc", "back"), ("?", "these keys"), ("q, Ctrl-C", "quit; heald goes on"))


def picture(view: View, width: int, height: int, glyphs: Glyphs = UNICODE) -> list[Text]:
    """`height` lines of at most `width` columns."""
    rows = max(0, height - 2)
    if view.page == "help":
        middle = list(stack([Section("Keys", [_key(*pair) for pair in KEYS], 0)], rows, width, glyphs))
    elif view.page == "story":
        told = [Text.from_ansi(line) for line in view.story]
        middle = list(stack([Section("Story", told, 0, view.scrolled)], rows, width, glyphs))
    elif width >= WIDE:
        left = width * 3 // 5
        right = width - left - len(glyphs.between)
        middle = list(beside(
            list(stack([_wrong(view), _repairs(view), Section("Story", _story(view), 6)], rows, left, glyphs)),
            list(stack([_machine(view, right, glyphs), _events(view)], rows, right, glyphs)), rows, left, glyphs))
    else:
        sections = [_machine(view, width, glyphs), _wrong(view), _repairs(view), _events(view)]
        if rows < LOW:
            sections = [sections[1], sections[0]]
        middle = list(stack(sections, rows, width, glyphs))
    middle += [Text()] * (rows - len(middle))
    return [fit(line, width, glyphs) for line in (_head(view, width, glyphs), *middle[:rows], _foot(view, glyphs))]


def _head(view: View, width: int, glyphs: Glyphs) -> Text:
    line = Text.assemble((f"heald {__version__}", "bold"))
    if view.known is not None:
        health, left = view.known["Health"], view.known["Limits"].get("incidents_left", 0)
        line.append(f"  mode {view.known['Mode']}  health {health} ")
        line.append(bar(health, 6, glyphs), "green" if health > 80 else "yellow" if health > 50 else "red")
        line.append(f"  {left} incidents left")
    clock = f"{view.now:%H:%M:%S}"
    line.pad_right(max(1, width - line.cell_len - len(clock)))
    return line.append(clock)


def _foot(view: View, glyphs: Glyphs) -> Text:
    if view.note:
        return Text(view.note, "bold")
    if view.page:
        scroll = f"{glyphs.arrows} scroll   " if view.page == "story" else ""
        return Text(f"{scroll}Esc back   q quit", "dim")
    issue = view.selected
    pause = "resume" if issue and view.paused(issue["subject"]) else "pause 1h"
    return Text(f"{glyphs.arrows} select   r repair   s story   p {pause}   ? help   q quit", "dim")


def _key(key: str, what: str) -> Text:
    return Text.assemble((f"  {key:14}", "bold"), what)


def _machine(view: View, width: int, glyphs: Glyphs) -> Section:
    """Gauges and disks, as many beside each other as there is room for."""
    across = max(1, width // CELL)
    cell = width // across
    cells = [_gauge(name, values, cell, glyphs) for name, values in view.gauges.items()]
    cells += [_disk(disk, cell, glyphs) for disk in view.disks]
    lines = []
    for first in range(0, len(cells), across):
        line = Text()
        for part in cells[first:first + across]:
            line.append_text(part)
            line.pad_right(max(0, cell - part.cell_len))
        lines.append(line)
    return Section("This machine", lines, min(len(lines), 6))


def _gauge(name: str, values: list[float | None], width: int, glyphs: Glyphs) -> Text:
    value = values[-1] if values else None
    shown = "   ?  " if value is None else f"{value:4.0f} %"
    line = sparkline(values, width - 26, glyphs)
    style = "default" if value is None or value < 80 else "yellow" if value < 90 else "red"
    return Text.assemble(f"{name:16}", (f"{shown}  ", style), (line, style))


def _disk(disk: FileSystem, width: int, glyphs: Glyphs) -> Text:
    name = disk.mount if len(disk.mount) <= 15 else glyphs.dots + disk.mount[len(glyphs.dots) - 15:]
    style = "default" if disk.percent < 80 else "yellow" if disk.percent < 90 else "red"
    full = bar(disk.percent, max(0, min(10, width - 40)), glyphs)
    return Text.assemble(f"{name:16}", (f"{disk.percent:4.0f} %  {full}{' ' if full else ''}", style),
                         f"{amount(disk.available)} free")


def _wrong(view: View) -> Section:
    """Two lines for each issue: what it is, and what is being done about it."""
    if view.known is None:
        return Section("What is wrong", [Text(f"  {view.gone}", "bold red")], 1)
    issues, selected, lines = view.issues, view.selected, []
    for issue in issues:
        mine = issue is selected
        since = span(max(0.0, (view.now - datetime.fromisoformat(issue["since"])).total_seconds()))
        line = Text.assemble("> " if mine else "  ", (f"{issue['severity']:9}", STYLE[issue["severity"]]),
                             f"{issue['detail']} ({issue['kind']}, for {since})")
        if mine:
            line.stylize("reverse")
        lines += [line, Text(f"{'':11}{_doing(view, issue)}")]
    lines += [Text(f"  paused   {one['subject']} until {_at(one['until'], view.now)}") for one in view.known["Paused"]]
    focus = 2 * issues.index(selected) if selected else 0
    return Section(f"What is wrong: {len(issues) or 'nothing'}", lines, 4, focus)


def _doing(view: View, issue: Document) -> str:
    """What is being done about an issue, or why nothing is."""
    if until := view.paused(issue["subject"]):
        return f"paused until {_at(until, view.now)}"
    incident = view.incident(issue.get("id"))
    if incident is None:
        return "just seen"
    under_way = [action for action in incident["actions"] if not action.get("finished")]
    if under_way:
        began = datetime.fromisoformat(under_way[-1]["started"])
        return f"{_act(under_way[-1])} is under way for {span(max(0.0, (view.now - began).total_seconds()))}"
    following = incident.get("next")
    if following and incident["outcome"] == "asked":
        return f"your yes is wanted: r does {_act(following)}"
    if following:
        return f"{_act(following)} at {_at(following['at'], view.now)}: {incident['reason']}"
    return f"{incident['outcome']}: {incident['reason']}"


def _repairs(view: View) -> Section:
    done = [action for one in (view.known["Incidents"] if view.known else ()) for action in one["actions"]
            if action.get("finished")]
    done.sort(key=lambda action: action["finished"], reverse=True)
    return Section("Last repairs", [_repair(action, view.now) for action in done] or [Text("  none", "dim")], 2)


def _repair(action: Document, now: datetime) -> Text:
    ended = datetime.fromisoformat(action["finished"])
    took = span((ended - datetime.fromisoformat(action["started"])).total_seconds())
    good = action["result"] in {"done", "unchanged", "running", "would"}
    return Text.assemble(f"  {_at(action['finished'], now)}  {_act(action)}  ",
                         (f"{action['result']}", "green" if good else "red"), f" in {took}")


def _events(view: View) -> Section:
    lines = [Text(f"  {_at(one['time'], view.now)}  {_event(one)}") for one in reversed(view.events)]
    return Section("Events", lines or [Text("  none since this was opened", "dim")], 2)


def _event(one: Document) -> str:
    if one["id"] is None:
        return f"heald {'has gone' if one['event'] == 'gone' else 'is there'}"
    what = f"{one['kind']} {one['subject']}"
    if "operation" in one:
        what = " ".join(filter(None, (_act(one), one["result"])))
    return f"{one['id']} {one['event']}: {what}"


def _story(view: View) -> list[Text]:
    """All that the daemon tells of the selected issue's incident."""
    issue = view.selected
    incident = view.incident(issue.get("id")) if issue else None
    if issue is None or incident is None:
        return [Text("  nothing is selected", "dim")]
    since = _at(issue["since"], view.now)
    head = [issue["detail"], f"read {issue['value']}, wrong from {issue['threshold']}, since {since}"]
    told = words.history({"incidents": [incident]})
    return [*(Text(line) for line in head), *(Text.from_ansi(line) for line in told.splitlines())]


def _act(action: Document) -> str:
    return f"{action['operation']} {action['target']}".rstrip()


def _at(stamp: str, now: datetime) -> str:
    """A time as a clock shows it, with the day where it is not today's."""
    moment = datetime.fromisoformat(stamp).astimezone(now.tzinfo)
    return f"{moment:%H:%M:%S}" if moment.date() == now.date() else f"{moment:%d %b %H:%M}"
