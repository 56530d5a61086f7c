"""What a user has asked of a unit from outside: an address that must answer. Settings, and how each is written."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

WAYS = {"http": "http://127.0.0.1/health", "tcp": "127.0.0.1:6379", "unix": "/run/x.sock"}
"""How a unit may be asked, each with an example."""
IN_A_ROW = 3
"""Failures after which a probe's unit is ill: one slow answer is none."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One check of a unit that is active. `every` and `timeout` in seconds."""

    unit: str
    way: str                    # one of WAYS
    address: str                # as the user wrote it: a URL, HOST:PORT, a path
    every: float = 10.0
    timeout: float = 3.0

    @property
    def endpoint(self) -> tuple[str, int]:
        """Address and port of an http or a tcp probe; localhost is 127.0.0.1."""
        parts = urlsplit(self.address if self.way == "http" else f"//{self.address}")
        host = parts.hostname or ""
        return "127.0.0.1" if host == "localhost" else host, parts.port or 80


def unit(value: object) -> str:
    """The name of a unit as systemd has it; ValueError where it is none."""
    if not isinstance(value, str) or not value.isprintable() or "/" in value or not value.rpartition(".")[0]:
        raise ValueError('must be the full name of a unit such as "nginx.service"')
    return value


def address(way: str, value: object) -> str:
    """What a user wrote for http, tcp or unix; ValueError says what would have been right.

    A host is an address, not a name: a name server that is slow would make a well unit look ill.
    """
    wrong = ValueError(f'must be such as "{WAYS[way]}"')
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise wrong
    if way == "unix":
        if not value.startswith("/") or len(value) > 107:       # sun_path of unix(7)
            raise wrong
        return value
    if value.startswith("http://") is not (way == "http") or "@" in value:
        raise wrong
    try:
        parts = urlsplit(value if way == "http" else f"//{value}")
        if parts.port == 0 or (way == "tcp" and (parts.port is None or parts.path)):
            raise wrong
        ipaddress.ip_address(Probe("", way, value).endpoint[0])
    except ValueError:
        raise wrong from None
    return value
