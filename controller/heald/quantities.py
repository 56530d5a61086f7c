"""Time spans and sizes as people write them: systemd.time(7) spans, binary sizes. Pure."""

import re

_SPANS = {
    "ms": 0.001, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0,
    "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0,
    "days": 86400.0, "w": 604800.0, "week": 604800.0, "weeks": 604800.0, "y": 31557600.0, "year": 31557600.0,
    "years": 31557600.0,
}
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]+)?)"      # one of hundreds of digits would be infinite
_SPAN = re.compile(rf"\s*{_NUMBER}\s*([a-z]+)")
_SIZE = re.compile(rf"{_NUMBER}\s*([KMGT]?)(?:i?B)?")


def seconds(text: str) -> float:
    """A span such as "30s", "2 min" or "1h 30m" in seconds; ValueError when it is none."""
    total, end = 0.0, 0
    while end < len(text.rstrip()):
        part = _SPAN.match(text, end)
        if part is None or part[2] not in _SPANS:
            raise ValueError(f'"{text}" is not a time span: write 30s, 2min or 1h 30min')
        total, end = total + float(part[1]) * _SPANS[part[2]], part.end()
    if not end:
        raise ValueError("a time span is empty: write 30s, 2min or 1h 30min")
    return total


def size(text: str) -> int:
    """A size such as "10GiB" or "512M" in bytes, always by 1024; ValueError when it is none."""
    part = _SIZE.fullmatch(text.strip())
    if part is None:
        raise ValueError(f'"{text}" is not a size: write 512MiB or 10GiB')
    return int(float(part[1]) * _SIZES[part[2]])


def span(value: float) -> str:
    """Seconds for people, as systemd writes them: "18ms", "2.5s", "4min 10s", "2h 5min"."""
    if value < 1:
        return f"{value * 1000:.0f}ms"
    if value < 10:
        return f"{value:.1f}s".replace(".0s", "s")
    whole = round(value)
    for name, unit, below, lesser in (("d", 86400, 3600, "h"), ("h", 3600, 60, "min"), ("min", 60, 1, "s")):
        if whole >= unit:
            first, rest = divmod(whole, unit)
            return f"{first}{name} {rest // below}{lesser}" if rest // below else f"{first}{name}"
    return f"{whole}s"


def amount(value: float) -> str:
    """Bytes for people: "512 MiB", "9.4 GiB"."""
    for name, unit in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= unit:
            number = value / unit
            return f"{number:.1f} {name}" if number < 10 else f"{number:.0f} {name}"
    return f"{value:.0f} B"
