"""`healctl`: each command is a few lines. What it needs it imports when it runs, so that none waits for another."""

import sys
from typing import Any

import typer

from heald import __version__
from heald.errors import Code, HealdError
from heald.face import backups
from heald.face.printing import JSON
from heald.face.printing import show as _show
from heald.face.printing import tell as _print

app = typer.Typer(
    help="See what is wrong with this machine, what heald did about it, and repair it.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(backups.app, name="backup")


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
    number: str = typer.Argument("", metavar="[ID]", show_default=False,
                                 help="One incident that `healctl status` shows; else all that is wrong."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be done, and do nothing."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before each repair."),
    as_json: bool = JSON,
) -> None:
    """Look once and repair what is wrong, as you: polkit may ask for your password.

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
    """What the daemon knows: health, open issues, and what is being done about each."""
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
    """The incidents of the past and all that was done about them, newest first."""
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
    """The whole story of one incident: what was read, decided and done, what was changed before, what to do next.

    Examples: healctl why; healctl why 12
    """
    from heald.face import story
    from heald.face import why as whole

    _show(whole.why(number), as_json, story.why)


@app.command()
def watch(as_json: bool = typer.Option(False, "--json", help="Print one JSON object a line.")) -> None:
    """Follow what the daemon does, one line an event, until Ctrl-C."""
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
    """Have the daemon keep its hands off one subject for a while.

    polkit may ask for your password. Example: healctl pause nginx.service 2h
    """
    from heald.face import pausing, text

    _show(pausing.pause(subject, span), as_json, lambda known: text.paused(subject, known))


@app.command()
def resume(
    subject: str = typer.Argument(..., metavar="SUBJECT", help="What was paused."),
    as_json: bool = JSON,
) -> None:
    """End a pause at once."""
    from heald.face import pausing

    _show(pausing.resume(subject), as_json, lambda _: f"{subject} is healed again")


rules_app = typer.Typer(
    help="The rules in the order in which they are tried; the first that matches decides.",
    invoke_without_command=True, rich_markup_mode=None,
)
app.add_typer(rules_app, name="rules")


@rules_app.callback()
def rules(context: typer.Context, as_json: bool = JSON) -> None:
    """The rules in the order in which they are tried; the first that matches decides."""
    if context.invoked_subcommand:
        return
    from heald import config, document
    from heald.face import text

    known: dict[str, Any] = {"version": 1, "rules": [document.rule(rule) for rule in config.load().rules]}
    _show(known, as_json, text.rules)


@rules_app.command("test")
def explain(
    kind: str = typer.Argument(..., metavar="KIND", help="Such as unit-failed."),
    subject: str = typer.Argument(..., metavar="SUBJECT", help="Such as nginx.service."),
    severity: str = typer.Option("high", "--severity", help="low, medium, high or critical."),
    as_json: bool = JSON,
) -> None:
    """Which rule decides about such an issue, and why no other.

    Example: healctl rules test unit-failed nginx.service
    """
    from heald import config
    from heald.face import ruling, text
    from heald.kinds import TABLE
    from heald.model import Severity

    for word, known in ((kind, list(TABLE)), (severity, [level.label for level in Severity])):
        if word not in known:
            raise HealdError(Code.INVALID_ARGS, f'"{word}" is not one of {", ".join(known)}')
    found = ruling.explain(config.load(), kind, subject, Severity[severity.upper()])
    _show(found, as_json, text.explained)


@rules_app.command("replay")
def replay(
    since: str = typer.Option("30d", "--since", help="How far back, such as 12h or 30d."),
    as_json: bool = JSON,
) -> None:
    """What today's rules would have decided differently."""
    from heald import config
    from heald.face import ruling, text

    _show(ruling.replay(config.load(), since), as_json, text.replayed)
