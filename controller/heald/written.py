"""What others wrote, in a file of TOML or in a name, read or shown back to them. Pure."""


def in_one_line(text: str) -> str:
    """As it can be printed and stored: a byte that is no text, and what moves a cursor, as backslash and digits.

    The name of a file, or of a control group, is its maker's: it holds any byte (surrogateescape).
    """
    text = text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(value: object) -> str:
    """As it is written there."""
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def count(value: object) -> int:
    """A whole number from 1 on; ValueError for all else."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"must be a whole number from 1 on, not {shown(value)}")
    return value
