"""A table in a document that is made from the code: after a line that says from what, up to one that ends it."""

from collections.abc import Iterable

END = "<!-- end -->\n"


def put(text: str, begin: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """The document with the table after the line `begin` as it is now, in Markdown."""
    before, _, rest = text.partition(begin)
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *rows))
    return before + begin + table + END + rest.partition(END)[2]
