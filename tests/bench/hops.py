"""Where the time of one repair goes: the messages on the bus between a SIGKILL and the answer, by their stamps."""

from collections.abc import Iterator
from statistics import median

from machine import product
from machine.machine import Machine

HOPS = (
    ("systemd says that a unit failed", ("sig", "org.freedesktop.DBus.Properties", "PropertiesChanged")),
    ("heald asks the helper", ("mc", "org.heald.Helper1", "HealService")),
    ("the helper asks polkit", ("mc", "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization")),
    ("the helper asks systemd to start it", ("mc", "org.freedesktop.systemd1.Manager", "StartUnit")),
    ("systemd's job has ended", ("sig", "org.freedesktop.systemd1.Manager", "JobRemoved")),
    ("the helper has looked and tells everyone", ("sig", "org.heald.Helper1", "Finished")),
)
"""In this order, each the first of its kind after the one before. As dbus-monitor --profile shows them."""


Message = tuple[float, tuple[str, str, str]]
"""When it was passed on, in seconds since the epoch; its type, interface and member."""


def watch(machine: Machine) -> None:
    """Begins to note every message on the bus, in a file of the machine's."""
    product.add_unit(machine, "bench-monitor.service", "[Service]\nExecStart=/usr/bin/dbus-monitor --system --profile\n"
                                                       "StandardOutput=file:/run/bench-messages\n")
    machine.run("systemctl", "start", "bench-monitor.service")


def seen(machine: Machine) -> list[Message]:
    """Ends the noting; what was noted."""
    machine.run("systemctl", "stop", "bench-monitor.service")
    return list(_parsed(machine.read("/run/bench-messages")))


def _parsed(text: str) -> Iterator[Message]:
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) >= 8 and fields[0] in {"mc", "sig"}:
            yield float(fields[1]), (fields[0], fields[6], fields[7])


def breakdown(messages: list[Message], kills: list[float]) -> dict[str, float]:
    """Hop -> the median of its ms after the kill."""
    found: dict[str, list[float]] = {hop: [] for hop, _ in HOPS}
    for kill in kills:
        last = kill
        for hop, kind in HOPS:
            after = [at for at, what in messages if what == kind and last <= at < kill + 1]
            if not after:
                break
            last = after[0]
            found[hop].append((last - kill) * 1e3)
    return {hop: round(median(times), 1) for hop, times in found.items() if times}
