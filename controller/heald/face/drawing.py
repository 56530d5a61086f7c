"""What a picture of text is put together from: letters, bars, sparklines, sections, columns. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from heald.face.words import plain


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What a picture is drawn with."""

    levels: str         # of a sparkline, from nothing to all
    full: str
    free: str
    rule: str
    between: str
    dots: str
    arrows: str
    ascii: bool = False


UNICODE = Glyphs(" ▁▂▃▄▅▆▇█", "█", "░", "─", " │ ", "…", "↑↓")
ASCII = Glyphs(" .:-=+*#", "#", ".", "-", " | ", "..", "j/k", ascii=True)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines; of these `least` are shown if that can be, the one at `focus` always."""

    title: str
    lines: list[Text]
    least: int
    focus: int = 0


def stack(sections: list[Section], rows: int, width: int, glyphs: Glyphs) -> Iterator[Text]:
    """The sections one below the other; what is left over goes to the first that have more."""
    room = max(0, rows - len(sections))
    given = [min(section.least, len(section.lines)) for section in sections]
    for place, section in enumerate(sections):
        given[place] += max(0, min(len(section.lines) - given[place], room - sum(given)))
    for section, count in zip(sections, given, strict=True):
        title = f"{glyphs.rule * 2} {section.title} "
        yield Text(title + glyphs.rule * (width - cell_len(title)), "bold")
        first = max(0, min(section.focus, len(section.lines) - count))
        yield from (fit(line, width, glyphs) for line in section.lines[first:first + count])


def beside(left: list[Text], right: list[Text], rows: int, width: int, glyphs: Glyphs) -> Iterator[Text]:
    """Two columns, the left one `width` wide."""
    for row in range(rows):
        line = left[row].copy() if row < len(left) else Text()
        line.pad_right(width - line.cell_len)
        yield Text.assemble(line, (glyphs.between, "dim"), right[row] if row < len(right) else Text())


def fit(line: Text, width: int, glyphs: Glyphs) -> Text:
    """The line as long as there is room, in letters that the terminal has, of which none moves its cursor."""
    line = line.copy()
    line.plain = plain(line.plain)
    if glyphs.ascii:
        line.plain = line.plain.encode("ascii", "replace").decode()
    if line.cell_len > width:
        line.truncate(max(0, width - len(glyphs.dots)), overflow="crop")
        line.append(glyphs.dots[:width])
    return line


def sparkline(values: list[float | None], width: int, glyphs: Glyphs) -> str:
    """The newest of these percentages, a column each; nothing where there is no room."""
    return "".join(_level(value, glyphs) for value in values[max(0, len(values) - width):]) if width > 0 else ""


def _level(value: float | None, glyphs: Glyphs) -> str:
    """One column of a sparkline; what is more than nothing is seen."""
    if not value or value < 0.5:
        return glyphs.levels[0] if value is None else glyphs.levels[1]
    return glyphs.levels[max(1, round(min(value, 100) / 100 * (len(glyphs.levels) - 1)))]


def bar(percent: float, width: int, glyphs: Glyphs) -> str:
    """How much of a whole; its number belongs beside it."""
    full = round(percent / 100 * width)
    return glyphs.full * full + glyphs.free * (width - full)
