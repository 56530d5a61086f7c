"""A fleet of machines and its brake: settings, how each is written, and when so many are ill that heald waits. Pure."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from heald import quantities
from heald.written import shown

ACT, STAND_BACK = "act", "stand-back"
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?) ?%")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,99}")
_PORTS = {"http": 80, "https": 443}
_LONGEST = 600.0            # seconds that heald may be told to wait before it asks


@dataclass(frozen=True, slots=True)
class Fleet:
    """[fleet]. `prometheus` is a URL, "" where nobody is asked; `settle` in seconds."""

    prometheus: str = ""
    max_unhealthy: float = 30.0             # per cent of the machines, above which heald stands back
    unreachable: str = ACT                  # or STAND_BACK: where Prometheus does not answer
    settle: float = 45.0                    # from when an issue is seen until it is asked about
    labels: tuple[tuple[str, str], ...] = ()        # of the machines that count; none: all of them

    @property
    def endpoint(self) -> tuple[str, int]:
        """Address and port of Prometheus; localhost is 127.0.0.1."""
        parts = urlsplit(self.prometheus)
        host = parts.hostname or ""
        return "127.0.0.1" if host == "localhost" else host, parts.port or _PORTS[parts.scheme]


@dataclass(frozen=True, slots=True)
class Share:
    """How many machines have the same issue, of how many that Prometheus hears from."""

    ill: int
    machines: int


def held(share: Share, fleet: Fleet) -> str:
    """Why heald waits with a repair, or "". One machine alone is no bad push, however small the fleet is."""
    percent = 100 * share.ill / share.machines
    if share.ill < 2 or percent <= fleet.max_unhealthy:
        return ""
    return (f"fleet: {percent:.3g} % of {share.machines:,} machines have the same issue (more than "
            f"{fleet.max_unhealthy:g} %): none of them is repaired until fewer have it")


def prometheus(value: object) -> str:
    """The URL below which Prometheus has its API. Of a host the address: a name server that is slow would hold up a
    repair, and heald.service is let out by addresses. ValueError says what would have been right."""
    wrong = ValueError(f'must be such as "http://192.0.2.10:9090", with an address and not a name, not {shown(value)}')
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise wrong
    try:
        parts = urlsplit(value)
        if parts.port == 0 or not _is_base(parts) or "@" in parts.netloc:
            raise wrong
        ipaddress.ip_address(Fleet(value).endpoint[0])
    except ValueError:
        raise wrong from None
    return value.rstrip("/")


def _is_base(parts: SplitResult) -> bool:
    return parts.scheme in _PORTS and not parts.query and not parts.fragment


def max_unhealthy(value: object) -> float:
    """From "1%" to "100%"."""
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 1 <= float(found[1]) <= 100:
        raise ValueError(f'must be from "1%" to "100%", such as "30%", not {shown(value)}')
    return float(found[1])


def unreachable(value: object) -> str:
    """One of the two words."""
    if value not in (ACT, STAND_BACK):
        raise ValueError(f'must be "{ACT}" or "{STAND_BACK}", not {shown(value)}')
    return str(value)


def settle(value: object) -> float:
    """A time span from 1 s to 10 min."""
    if not isinstance(value, str) or not 1 <= (span := quantities.seconds(value)) <= _LONGEST:
        raise ValueError(f'must be from "1s" to "10min", such as "45s", not {shown(value)}')
    return span


def labels(value: object) -> tuple[tuple[str, str], ...]:
    """Names and values of labels in Prometheus."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ValueError(f'must be such as {{ role = "web" }}, not {shown(value)}')
    for name in value:
        if not _LABEL.fullmatch(name):
            raise ValueError(f"{shown(name)} is no name of a label in Prometheus")
    return tuple(sorted(value.items()))


KEYS: dict[str, Callable[[object], object]] = {
    "prometheus": prometheus, "max_unhealthy": max_unhealthy, "unreachable": unreachable, "settle": settle,
    "labels": labels,
}
"""The keys of [fleet], each with what reads it."""
