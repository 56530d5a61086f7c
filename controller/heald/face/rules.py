"""`healctl rules`: which there are, which decides, what they would have made of the past."""

from typing import Any

import typer

from heald.errors import Code, HealdError
from heald.face.printing import JSON, show

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def rules(context: typer.Context, as_json: bool = JSON) -> None:
    """The rules, in the order they are tried.

    The first that matches decides.

    Examples: healctl rules; healctl rules --json
    """
    if context.invoked_subcommand:
        return
    from heald import config, document
    from heald.face import text

    known: dict[str, Any] = {"version": 1, "rules": [document.rule(rule) for rule in config.load().rules]}
    show(known, as_json, text.rules)


@app.command("test")
def explain(
    kind: str = typer.Argument(..., metavar="KIND", help="Such as unit-failed."),
    subject: str = typer.Argument(..., metavar="SUBJECT", help="Such as nginx.service."),
    severity: str = typer.Option("high", "--severity", help="low, medium, high or critical."),
    as_json: bool = JSON,
) -> None:
    """Which rule decides, and why no other.

    About an issue of this kind, subject and severity.

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
    show(found, as_json, text.explained)


@app.command("replay")
def replay(
    since: str = typer.Option("30d", "--since", help="How far back, such as 12h or 30d."),
    as_json: bool = JSON,
) -> None:
    """What today's rules would do differently.

    They are tried on the incidents of the past.

    Example: healctl rules replay --since 7d
    """
    from heald import config
    from heald.face import ruling, text

    show(ruling.replay(config.load(), since), as_json, text.replayed)
