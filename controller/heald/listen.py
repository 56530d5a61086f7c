"""Where metrics and the status page are served, and to whom: settings, and how each is written. Pure."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from heald.written import shown

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_NAME = re.compile(r"[a-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True)
class Listen:
    """[metrics]. `hosts` are names and addresses, without a port, that a Host header may have besides loopback's."""

    enable: bool = False
    address: str = "127.0.0.1"
    port: int = 9753
    hosts: tuple[str, ...] = ()

    def knows(self, header: str) -> bool:
        """Whether a Host header is one of ours; its port does not matter, a tunnel has another.

        A page of somebody else's, whose name was made to lead to loopback (DNS rebinding), still sends its own name.
        """
        found = _HOST.fullmatch(header.lower())
        if found is None:
            return False
        host = found[1].strip("[]").removesuffix(".")
        return host in {"localhost", self.address, *self.hosts} or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def enable(value: object) -> bool:
    """ValueError for all but true and false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {shown(value)}")
    return value


def address(value: object) -> str:
    """An IP address in its shortest form; a name could come to mean another one."""
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        raise ValueError(f'must be an address such as "127.0.0.1" or "::1", not {shown(value)}') from None


def port(value: object) -> int:
    """A TCP port that an unprivileged user may have."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1024 <= value <= 65535:
        raise ValueError(f"must be a port from 1024 to 65535, not {shown(value)}")
    return value


def hosts(value: object) -> tuple[str, ...]:
    """Names and addresses without a port."""
    if not isinstance(value, list):
        raise ValueError(f'must be a list such as ["web1.example.org"], not {shown(value)}')
    return tuple(_host(one) for one in value)


def _host(value: object) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value.lower()):
        return value.lower().removesuffix(".")
    try:
        return address(value)
    except ValueError:
        raise ValueError(f"{shown(value)} is no name or address; a port is not part of it") from None


KEYS: dict[str, Callable[[object], object]] = {"enable": enable, "address": address, "port": port, "hosts": hosts}
"""The keys of [metrics], each with what reads it."""
