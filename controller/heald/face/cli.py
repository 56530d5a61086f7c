"""`healctl`: each command is a few lines. What it needs it imports when it runs, so that none waits for another."""

import io
import sys
from typing import Any

import typer

from heald import __version__
from heald.errors import Code, HealdError
from heald.face import backups, configuration, rules
from heald.face.printing import JSON
from heald.face.printing import show as _show
from heald.face.printing import tell as _print

app = typer.Typer(
    help="See what is wrong with this machine, what heald did about it, and repair it.\n\n"
         "Examples: healctl check; healctl heal --dry-run; healctl dashboard",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(rules.app, name="rules")
app.add_typer(backups.app, name="backup")
app.add_typer(configuration.app, name="config")


def main() -> None:
    """Exit codes, the first that fits: 2 usage or configuration, 4 bus or helper out of reach, 3 refused,
    1 issues of medium severity or above remain, 0 nothing is wrong (any more)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")        # a prompt must not break where the locale lacks a letter
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
    number: str = typer.Argument("", metavar="[ID]", show_default=False,
                                 help="One incident that `healctl status` shows; else all that is wrong."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be done, and do nothing."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before each repair."),
    as_json: bool = JSON,
) -> None:
    """Look once and repair what is wrong, as you.

    polkit may ask for your password.

    Examples: healctl heal --dry-run; healctl heal 12
    """
    from heald.face import passes, text

    done = passes.heal(number, dry_run=dry_run, yes=yes, quiet=as_json)
    _show(done.document, as_json, text.healed)
    sys.exit(done.exit_code)


@app.command()
def status(
    short: bool = typer.Option(False, "--short", help="One line for a prompt or a motd; nothing when all is well."),
    as_json: bool = JSON,
) -> None:
    """What the daemon knows, and does about it.

    Examples: healctl status --json; healctl status --short
    """
    from heald.face import known as daemon
    from heald.face import text

    if short and as_json:
        raise HealdError(Code.INVALID_ARGS, "--short and --json exclude each other")
    known = daemon.status()
    if not short:
        _show(known, as_json, text.status)
    elif line := text.short(known):
        _print(line)
    sys.exit(daemon.remaining(known["issues"]))


@app.command()
def history(
    count: int = typer.Option(20, "--count", "-n", min=1, help="The newest so many."),
    as_json: bool = JSON,
) -> None:
    """What went wrong, and what was done about it.

    The newest incident stands first.

    Example: healctl history --count 5
    """
    from heald.face import passes, text

    known, note = passes.history(count)
    if note:
        print(f"healctl: {note}", file=sys.stderr)
    _show(known, as_json, text.history)


@app.command()
def why(
    number: str = typer.Argument("", metavar="[ID]", show_default=False,
                                 help="An incident that `healctl history` shows; else the newest that is open."),
    as_json: bool = JSON,
) -> None:
    """The whole story of one incident.

    What was read, decided and done, what was changed before, what to do next.

    Examples: healctl why; healctl why 12
    """
    from heald.face import story
    from heald.face import why as whole

    _show(whole.why(number), as_json, story.why)


@app.command()
def watch(as_json: bool = typer.Option(False, "--json", help="Print one JSON object a line.")) -> None:
    """Follow what the daemon does, until Ctrl-C.

    One line an event.

    Example: healctl watch --json | grep --line-buffered gave-up
    """
    from heald.face import following
    from heald.face.known import run

    def tell(event: dict[str, Any]) -> None:
        if not _print(following.line(event, as_json=as_json)):
            raise typer.Exit

    run(following.follow(tell))


@app.command()
def pause(
    subject: str = typer.Argument(..., metavar="SUBJECT", help="A unit's full name, a mount point, a path."),
    span: str = typer.Argument(..., metavar="SPAN", help="For how long, such as 30min or 2h; it ends by itself."),
    as_json: bool = JSON,
) -> None:
    """Keep the daemon's hands off one subject.

    polkit may ask for your password.

    Example: healctl pause nginx.service 2h
    """
    from heald.face import pausing, text

    _show(pausing.pause(subject, span), as_json, lambda known: text.paused(subject, known))


@app.command()
def resume(
    subject: str = typer.Argument(..., metavar="SUBJECT", help="What was paused."),
    as_json: bool = JSON,
) -> None:
    """End a pause at once.

    Example: healctl resume nginx.service
    """
    from heald.face import pausing

    _show(pausing.resume(subject), as_json, lambda _: f"{subject} is healed again")


@app.command()
def doctor(as_json: bool = JSON) -> None:
    """What this machine has and lacks for heald.

    Each with the line that mends it. Exit codes, the first that fits: 2 the configuration is wrong, 4 the bus,
    polkit, the helper or the daemon is out of reach, 1 something else is wrong, 0 all is well.

    Example: healctl doctor | grep -A1 wrong
    """
    from heald.face import doctor as house_call

    done = house_call.examine()
    _show(done.document, as_json, house_call.words)
    sys.exit(done.exit_code)


@app.command()
def dashboard(as_json: bool = JSON) -> None:
    """What is wrong, live, with keys to act.

    Health, gauges, issues and what is done about each, the last repairs, events; the key ? shows the keys.

    Where no person looks (a pipe, a dumb terminal, --json) it is `healctl status`.

    Example: ssh -t server healctl dashboard
    """
    from heald.face import known as daemon
    from heald.face import screen, text

    if as_json or not screen.at_terminal():
        known = daemon.status()
        _show(known, as_json, text.status)
        sys.exit(daemon.remaining(known["issues"]))
    from heald.face.dashboard import show

    sys.exit(show())
