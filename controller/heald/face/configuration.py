"""`healctl config`: what can be said of a configuration before a daemon reads it."""

import sys
from pathlib import Path

import typer

from heald.face.printing import JSON, show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def configuration() -> None:
    """Look a configuration over.

    Example: healctl config check heald.toml
    """


@app.command("check")
def check(
    file: str = typer.Argument("", metavar="[FILE]", show_default=False,
                               help="Read with FILE.d/*.toml; else what the daemon reads."),
    as_json: bool = JSON,
) -> None:
    """Name every mistake in a configuration.

    A line each: the file, the line in it, the key, what was wrong. Neither a daemon nor systemd is needed.

    Exit codes: 2 something is wrong, 0 nothing is.

    Examples: healctl config check; healctl config check web1/heald.toml
    """
    from heald import config
    from heald.face import checking

    found = checking.check(Path(file) if file else config.DEFAULT, needed=bool(file))
    show(found, as_json, checking.words)
    sys.exit(2 if found["mistakes"] else 0)
