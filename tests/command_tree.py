"""healctl's commands, their options and arguments, as the program itself has them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from heald.face.cli import app


@dataclass(frozen=True)
class Parameter:
    """`flags`: --json, -n; none for an argument. `metavar`: what stands for its value, "" where it takes none."""

    name: str
    flags: tuple[str, ...]
    metavar: str
    help: str


@dataclass(frozen=True)
class Command:
    """`words`: what is typed after healctl; () is healctl itself. `about`: one line."""

    words: tuple[str, ...]
    about: str
    text: str
    parameters: tuple[Parameter, ...]
    below: tuple[str, ...]

    @property
    def options(self) -> list[Parameter]:
        return [one for one in self.parameters if one.flags]

    @property
    def arguments(self) -> list[Parameter]:
        return [one for one in self.parameters if not one.flags]


HELP = Parameter("help", ("-h", "--help"), "", "Show this message and exit.")


def commands() -> Iterator[Command]:
    """All, healctl itself first."""
    yield from _walk((), typer.main.get_command(app))


def _walk(words: tuple[str, ...], found: Any) -> Iterator[Command]:
    below: dict[str, Any] = getattr(found, "commands", {})
    text = found.help or ""
    parameters = tuple(_parameter(one) for one in found.params if one.name != "help")
    yield Command(words, text.partition("\n")[0], text, (*parameters, HELP), tuple(below))
    for name, one in below.items():
        yield from _walk((*words, name), one)


def _parameter(one: Any) -> Parameter:
    flags = tuple(one.opts) if one.param_type_name == "option" else ()
    takes = not getattr(one, "is_flag", False)
    metavar = (one.metavar or one.name.upper()).strip("[]{}") if takes else ""
    return Parameter(one.name, flags, metavar, getattr(one, "help", "") or "")
