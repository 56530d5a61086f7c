"""`healctl`: each command is a few lines. What it needs it imports when it runs, so that none waits for another."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer

from heald import __version__
from heald.errors import Code, HealdError

app = typer.Typer(
    help="See what is wrong with this machine, what heald did about it, and repair it.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

JSON = typer.Option(False, "--json", help="Print one JSON document.")
"""In every command. Not an Annotated[]: typer 0.7, which Debian 12 has, does not know that."""


def main() -> None:
    """Exit codes, the first that fits: 2 usage or configuration, 4 bus or helper out of reach, 3 refused,
    1 issues of medium severity or above remain, 0 nothing is wrong (any more)."""
    try:
        app()
    except HealdError as error:
        print(f"healctl: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"healctl {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


@app.command()
def check(as_json: bool = JSON) -> None:
    """Look once, here and now; no daemon is needed.

    Example: healctl check && echo all is well
    """
    from heald.face import passes, text

    found = passes.check()
    _show(found.document, as_json, text.check)
    sys.exit(found.exit_code)


@app.command()
def heal(
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be done, and do nothing."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before each repair."),
    as_json: bool = JSON,
) -> None:
    """Look once and repair what is wrong, as you: polkit may ask for your password.

    Example: healctl heal --dry-run
    """
    from heald.face import passes, text

    done = passes.heal(dry_run=dry_run, yes=yes, quiet=as_json)
    _show(done.document, as_json, text.healed)
    sys.exit(done.exit_code)


@app.command()
def status(as_json: bool = JSON) -> None:
    """What the daemon knows: health, open issues, and what is being done about each."""
    from heald.face import passes, text

    known = passes.status()
    _show(known, as_json, text.status)
    sys.exit(passes.remaining(known["issues"]))


@app.command()
def history(
    count: int = typer.Option(20, "--count", "-n", min=1, help="The newest so many."),
    as_json: bool = JSON,
) -> None:
    """The incidents of the past and all that was done about them, newest first."""
    from heald.face import passes, text

    known, note = passes.history(count)
    if note:
        print(f"healctl: {note}", file=sys.stderr)
    _show(known, as_json, text.history)


@app.command()
def rules(as_json: bool = JSON) -> None:
    """The rules in the order in which they are tried; the first that matches decides."""
    from heald import config, document
    from heald.face import text

    known: dict[str, Any] = {"version": 1, "rules": [document.rule(rule) for rule in config.load().rules]}
    _show(known, as_json, text.rules)


def _show(known: Mapping[str, Any], as_json: bool, words: Callable[[Mapping[str, Any]], str]) -> None:
    """As JSON or in words; typer takes the colours away where nobody would see them."""
    try:
        typer.echo(json.dumps(known, indent=2, ensure_ascii=False) if as_json else words(known))
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())      # nothing more is tried at the exit
        if not isinstance(error, BrokenPipeError):      # else whoever read us has seen enough
            raise HealdError(Code.FAILED, f"standard output: {error.strerror}") from None
