"""`healctl backup`: snapshots of one's own files, and back."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from heald.errors import INTERRUPTED
from heald.face.line import Line
from heald.face.printing import JSON, show
from heald.quantities import span

if TYPE_CHECKING:
    from heald.backup import Backups, Snapshot

BEAT = 0.5              # seconds between two looks of the line that shows life

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="Snapshots of your own files, as plain files.\n\n"
         "What is backed up, and whereto, is in [backup] of ~/.config/heald/heald.toml, or without that file of "
         "/etc/heald/heald.toml.\n\nExamples: healctl backup create; healctl backup restore ~/letters/june.txt",
)
FROM = typer.Option("", "--from", metavar="SNAPSHOT", show_default=False, help="As `list` names it; else the newest.")


@app.command()
def create(as_json: bool = JSON) -> None:
    """Make a snapshot now.

    The newest `keep` stay.

    Example: healctl backup create
    """
    with _backups("backing up", as_json) as backups:
        made, removed = backups.create()
        known = {"version": 1, "snapshot": _snapshot(made), "removed": [one.name for one in removed]}
    show(known, as_json, _created)


@app.command("list")
def listed(as_json: bool = JSON) -> None:
    """The snapshots there are.

    The newest stands first.

    Example: healctl backup list --json
    """
    with _backups("", as_json) as backups:
        known = {"version": 1, "target": str(backups.target), "snapshots": [*map(_snapshot, backups.snapshots())]}
    show(known, as_json, _listed)


@app.command()
def restore(
    path: str = typer.Argument(..., metavar="PATH", help="A file or a folder that was backed up."),
    snapshot: str = FROM,
    as_json: bool = JSON,
) -> None:
    """Put back what a file or folder was.

    What that overwrites is kept beside it, in PATH.before-TIME; what is there besides stays.

    Example: healctl backup restore ~/letters --from 2026-11-26T00-42-10Z
    """
    with _backups("restoring", as_json) as backups:
        place = Path(os.path.abspath(path))     # not resolved: it may be a link that was a folder then
        one, kept = backups.restore(place, snapshot)
        known = {"version": 1, "snapshot": _snapshot(one), "path": str(place), "kept": kept and str(kept)}
    show(known, as_json, _restored)


@app.command()
def verify(
    snapshot: str = typer.Argument("", metavar="[SNAPSHOT]", show_default=False, help="Else the newest."),
    as_json: bool = JSON,
) -> None:
    """Read every file of a snapshot.

    What has not changed since is compared with where it came from. Exit code 1 where something is damaged.

    Example: healctl backup verify
    """
    with _backups("verifying", as_json) as backups:
        found = backups.verify(snapshot)
        known = {"version": 1, "snapshot": _snapshot(found.snapshot), "files": found.files, "changed": found.changed,
                 "gone": found.gone, "damaged": [{"path": path, "detail": why} for path, why in found.damaged]}
    show(known, as_json, _verified)
    sys.exit(1 if found.damaged else 0)


@contextmanager
def _backups(what: str, quiet: bool) -> Iterator["Backups"]:
    """Those of whoever asks; while it lasts a terminal shows life."""
    from heald import config, paths
    from heald.backup import Backups
    from heald.errors import Code, HealdError

    file = own if (own := paths.own_config()).exists() else config.DEFAULT
    copies = config.load(file).backup
    try:
        with _life(what, shown=bool(what) and not quiet and sys.stderr.isatty()) as say:
            yield Backups(copies, say)
    except HealdError as error:
        raise HealdError(error.code, f"{file}: {error}" if error.code is Code.CONFIG else str(error)) from None
    except OSError as error:
        raise HealdError(Code.FAILED, f"{error.filename}: {error.strerror}") from None
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


@contextmanager
def _life(what: str, *, shown: bool) -> Iterator[Callable[[str], None]]:
    """A line with the time and the last word said, on standard error: written over and over, and gone at the end."""
    said = [""]
    over = threading.Event()

    def say(word: str) -> None:
        said[0] = word

    def beat() -> None:
        began = time.monotonic()
        with Line(shown=True) as line:
            while not over.wait(BEAT):
                line.say(f"{what}  {span(round(time.monotonic() - began))}  {said[0]}")

    shows = threading.Thread(target=beat, daemon=True)
    if shown:
        shows.start()
    try:
        yield say
    finally:
        over.set()
        if shown:
            shows.join()


def _snapshot(one: "Snapshot") -> dict[str, Any]:
    from heald import document

    return {"name": one.name, "time": document.moment(one.made, 0.0), "path": str(one.path)}


def _created(known: Mapping[str, Any]) -> str:
    more = f"; removed: {', '.join(known['removed'])}" if known["removed"] else ""
    return f"{known['snapshot']['path']} is made{more}"


def _listed(known: Mapping[str, Any]) -> str:
    lines = [f"{one['name']}  {_local(one['time'])}" for one in known["snapshots"]]
    return "\n".join([f"{known['target']}:", *lines] if lines else [f"{known['target']} holds no snapshot yet"])


def _restored(known: Mapping[str, Any]) -> str:
    kept = f"; what was there is in {known['kept']}" if known["kept"] else "; nothing was overwritten"
    return f"{known['path']} is as in {known['snapshot']['name']}{kept}"


def _verified(known: Mapping[str, Any]) -> str:
    head = f"{known['snapshot']['name']}: files read: {known['files']}, damaged: {len(known['damaged'])}"
    since = f"where they came from, changed since: {known['changed']}, gone since: {known['gone']}"
    return "\n".join([f"{head}; {since}", *(f"  damaged: {one['path']} {one['detail']}" for one in known["damaged"])])


def _local(stamp: str) -> str:
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
