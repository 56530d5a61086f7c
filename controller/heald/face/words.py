"""Times, severities and columns, as all commands print them. Every mark has its word: colour is never alone. Pure."""

import textwrap
from datetime import datetime

COLOUR = {"critical": "\x1b[1;31m", "high": "\x1b[31m", "medium": "\x1b[33m", "low": "\x1b[36m"}
PLAIN = "\x1b[0m"
COLUMNS = 80


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
    """`head` and beside it the words, in as many lines as they need; a word that is too long is left whole.

    Some of it was written by strangers: what would move a terminal's cursor is shown as a question mark.
    """
    lead, shown = f"{indent}{head}", "".join(c if c.isprintable() else "?" for c in words.replace("\t", " "))
    return "\n".join(textwrap.wrap(
        shown, COLUMNS, initial_indent=lead, subsequent_indent=" " * len(lead), break_long_words=False,
        break_on_hyphens=False)) or lead.rstrip()
