"""The contract in org.heald.Helper1.xml, served as it stands: names, errors, and the shape of a request."""

import os
import sys
from typing import Any, NamedTuple

from .wire import Variant

NAME = INTERFACE = "org.heald.Helper1"
PATH = "/org/heald/Helper1"
XML = f"{os.path.dirname(__file__)}/org.heald.Helper1.xml"
PARENTS = {"/": "org", "/org": "heald", "/org/heald": "Helper1"}
"""Paths above ours and the child that leads to it: what `busctl tree` walks."""

METHODS = {"HealService": "service", "HealResource": "resource", "HealSystem": "system"}
"""Method -> category of its operations."""

OPTIONS = {"wait": "u", "current": "u", "target": "u"}
WAIT, MAX_WAIT = 20, 300

_OURS = frozenset({"Failed", "Protected", "Busy", "Healthy"})


class RefusedError(Exception):
    """An answer that is an error: the last part of its D-Bus name, and one line without a path for the caller."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def name(self) -> str:
        """The whole D-Bus name: a standard one where one exists."""
        return f"org.heald.Error.{self.code}" if self.code in _OURS else f"org.freedesktop.DBus.Error.{self.code}"


def bug() -> RefusedError:
    """What is answered for an exception that nobody meant: its traceback is for the journal, the caller gets a line."""
    sys.excepthook(*sys.exc_info())
    return RefusedError("Failed", "an internal error: see journalctl -u heald-helper")


class Request(NamedTuple):
    """One call, its shape checked: of the right types and no longer than it may be."""

    category: str
    operation: str
    target: str
    wait: int           # seconds
    generations: str    # CURRENT-TARGET, by their numbers; "" where none are given


def request(member: str, signature: str, body: list[Any]) -> Request:
    """The request in a method call's body. RefusedError InvalidArgs where it has not the contract's shape."""
    if signature != "ssa{sv}":
        raise RefusedError("InvalidArgs", f"{member} takes ssa{{sv}} (operation, target, options), not {signature!r}")
    operation, target, options = body
    if len(target) > 255:
        raise RefusedError("InvalidArgs", "the target is longer than 255 characters")
    _check(options)
    wait = int(options["wait"].value) if "wait" in options else WAIT
    if wait > MAX_WAIT:
        raise RefusedError("InvalidArgs", f"option wait is at most {MAX_WAIT} seconds")
    numbers = [str(options[key].value) for key in ("current", "target") if key in options]
    if len(numbers) == 1:
        raise RefusedError("InvalidArgs", "options current and target go together")
    return Request(METHODS[member], operation, target, wait, "-".join(numbers))


def _check(options: dict[str, Variant]) -> None:
    for key, value in options.items():
        if key not in OPTIONS:
            raise RefusedError("InvalidArgs", f"unknown option {key[:40]!r}: there is {', '.join(OPTIONS)}")
        if value.signature != OPTIONS[key]:
            raise RefusedError("InvalidArgs", f"option {key} is of type {OPTIONS[key]}, not {value.signature[:40]}")


def introspection(path: str) -> str | None:
    """The XML at `path`: ours, or a parent's that names the way to ours; None for a path that is not there."""
    if path == PATH:
        with open(XML, encoding="utf-8") as file:
            return file.read()
    return f'<node><node name="{PARENTS[path]}"/></node>\n' if path in PARENTS else None


def report(state: str, unit: str, result: str, before: str, after: str) -> dict[str, Variant]:
    """The a{sv} that every method answers with."""
    fields = {"state": state, "unit": unit, "result": result, "before": before, "after": after}
    return {key: Variant("s", value) for key, value in fields.items()}
