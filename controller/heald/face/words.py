"""Times, severities and columns, as all commands print them. Every mark has its word: colour is never alone. Pure."""

import textwrap
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

COLOUR = {"critical": "\x1b[1;31m", "high": "\x1b[31m", "medium": "\x1b[33m", "low": "\x1b[36m"}
PLAIN = "\x1b[0m"
COLUMNS = 80


def plain(known: Any) -> Any:
    """A text, or a document with all its texts, as a terminal may have it, each in one line and as long as it was.

    Some of it was written by strangers: what would move a terminal's cursor is shown as a question mark.
    """
    match known:
        case str():
            return "".join(c if c.isprintable() else "?" for c in known.replace("\t", " "))
        case Mapping():
            return {key: plain(value) for key, value in known.items()}
        case list():
            return [plain(value) for value in known]
    return known


def harmless(words: Callable[[Mapping[str, Any]], str]) -> Callable[[Mapping[str, Any]], str]:
    """What puts a document in words, of any document: no text in it does more than to be read."""
    return lambda known: words(plain(known))


def severity(word: str, width: int = 8) -> str:
    """The word in its colour, as wide as the widest is."""
    return f"{COLOUR[word]}{word:{width}}{PLAIN}"


def moment(stamp: str) -> datetime:
    """In local time."""
    return datetime.fromisoformat(stamp).astimezone()


def time(stamp: str | None) -> str:
    """In local time; the day is left out when it is today."""
    if stamp is None:
        return "?"
    then = moment(stamp)
    today = then.date() == datetime.now().astimezone().date()
    return then.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def column(head: str, words: str, indent: str = "  ") -> str:
    """`head` and beside it the words, in as many lines as they need; a word that is too long is left whole."""
    lead = f"{indent}{head}"
    return "\n".join(textwrap.wrap(
        words, COLUMNS, initial_indent=lead, subsequent_indent=" " * len(lead), break_long_words=False,
        break_on_hyphens=False)) or lead.rstrip()
