"""How a command prints: one JSON document or words, as often as somebody reads them."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer

from heald.errors import Code, HealdError

JSON = typer.Option(False, "--json", help="Print one JSON document.")
"""In every command. Not an Annotated[]: typer 0.7, which Debian 12 has, does not know that."""


def show(known: Mapping[str, Any], as_json: bool, words: Callable[[Mapping[str, Any]], str]) -> None:
    """The document as JSON, or in words."""
    tell(json.dumps(known, indent=2, ensure_ascii=False) if as_json else words(known))


def tell(words: str) -> bool:
    """Whether anybody reads it; typer takes the colours away where nobody would see them, or wants them (NO_COLOR)."""
    try:
        typer.echo(words, color=False if os.environ.get("NO_COLOR") else None)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())      # nothing more is tried at the exit
        if not isinstance(error, BrokenPipeError):      # else whoever read us has seen enough
            raise HealdError(Code.FAILED, f"standard output: {error.strerror}") from None
        return False
    return True
