"""`healctl doctor`: what this machine has and lacks for heald, each with the line that mends it."""

import ipaddress
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from heald import __version__, config, prometheus
from heald.bus.connection import Bus
from heald.bus.controller1 import NAME as CONTROLLER
from heald.bus.controller1 import PATH as CONTROLLER_PATH
from heald.bus.helper import HELPER
from heald.bus.helper import PATH as HELPER_PATH
from heald.bus.systemd import MANAGER, MANAGER_PATH, SYSTEMD, unit_path
from heald.errors import Code, HealdError
from heald.face.equipment import ADMITTED, AGAIN, Finding, State, found, rules
from heald.face.known import run
from heald.face.passes import Pass
from heald.fleet import Fleet
from heald.settings import Settings

SYSTEMD_LEAST, POLKIT_LEAST = 252, 122
POLKIT, AUTHORITY_PATH = "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority"
AUTHORITY = "org.freedesktop.PolicyKit1.Authority"
ACTIONS = frozenset({"org.heald.helper.service", "org.heald.helper.resource", "org.heald.helper.system",
                     "org.heald.helper.rollback", "org.heald.helper.run", "org.heald.controller.pause"})
COLOUR = {State.OK: "\x1b[32m", State.WRONG: "\x1b[1;31m", State.ABSENT: "\x1b[36m", State.UNKNOWN: "\x1b[33m"}
WITHOUT_ROOT = "without root"
DROP_IN = "/etc/systemd/system/heald.service.d/network.conf"
_BUS, _BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
USAGE, OUT_OF_REACH, LACKING = 2, 4, 1      # exit codes, the first that fits


def examine() -> Pass:
    """Everything, looked at once."""
    findings = [*run(_over_the_bus()), *found()]
    codes = {one.code for one in findings if one.state is State.WRONG}
    checks = [{"name": one.name, "state": one.state.value, "detail": one.detail, "fix": one.fix or None}
              for one in findings]
    code = next((code for code in (USAGE, OUT_OF_REACH, LACKING) if code in codes), 0)
    return Pass({"version": 1, "heald": __version__, "checks": checks}, code)


def words(examined: Mapping[str, Any]) -> str:
    """The document for a terminal: what is wrong has the line that mends it."""
    checks = examined["checks"]
    wrong = sum(check["state"] == State.WRONG for check in checks)
    lines = [f"heald {examined['heald']}: {f'{wrong} of {len(checks)} are wrong' if wrong else 'all is well'}"]
    for check in checks:
        lines.append(f"  {COLOUR[check['state']]}{check['state']:8}\x1b[0m  {check['name']:15} {check['detail']}")
        if check["fix"]:
            lines.append(f"  {'':8}  {'':15} -> {check['fix']}")
    return "\n".join(lines)


async def _over_the_bus() -> list[Finding]:
    """The settings too: what they ask for must be allowed."""
    settings = Settings()
    try:
        settings = config.load()
        own = sum(rule.source != "built-in" for rule in settings.rules)
        configuration = Finding("configuration", State.OK, f"mode {settings.mode.label}, {own} rules of your own, "
                                                           f"{len(settings.probes)} probes")
    except HealdError as error:
        configuration = Finding("configuration", State.WRONG, str(error), "healctl config check", USAGE)
    try:
        bus = await Bus.connect()
    except HealdError as error:
        return [configuration, Finding("system bus", State.WRONG, str(error), "systemctl start dbus.socket",
                                       OUT_OF_REACH)]
    with closing(bus):
        findings = [await look(bus) for look in (_systemd, _polkit, _actions, _helper, _daemon, _at_boot)]
        if any(one.name == "helper" and one.detail.endswith(WITHOUT_ROOT) for one in findings):
            findings.append(rules(own_user=True))
        findings += [await _network(bus, settings)]
    findings += [await _fleet(settings.fleet)] if settings.fleet.prometheus else []
    return [configuration, Finding("system bus", State.OK, "answers"), *findings]


async def _asked(name: str, fix: str, question: Awaitable[Any], words: Callable[[Any], Finding]) -> Finding:
    """What comes of the answer; without one, that."""
    try:
        return words(await question)
    except HealdError as error:
        if str(error).endswith(" is masked."):
            unit = str(error).split()[1]
            fix = f"systemctl unmask {unit}"
        return Finding(name, State.WRONG, str(error), fix, OUT_OF_REACH)


def _version(name: str, version: str, least: int) -> Finding:
    """`version` as 252.39-1 or 122; polkit's 0.105 is older than its 121."""
    number = version.partition(".")[0].partition("-")[0].partition("~")[0]
    if number.isdigit() and int(number) >= least:
        return Finding(name, State.OK, version)
    return Finding(name, State.WRONG, f"{version} is older than {least}, which heald needs", "upgrade the distribution")


async def _systemd(bus: Bus) -> Finding:
    return await _asked(
        "systemd", "heald needs systemd as pid 1", bus.property(SYSTEMD, MANAGER_PATH, MANAGER, "Version"),
        lambda version: _version("systemd", version.split()[0], SYSTEMD_LEAST))


async def _polkit(bus: Bus) -> Finding:
    return await _asked(
        "polkit", "install polkit; systemctl start polkit.service",
        bus.property(POLKIT, AUTHORITY_PATH, AUTHORITY, "BackendVersion"),
        lambda version: _version("polkit", version, POLKIT_LEAST))


async def _actions(bus: Bus) -> Finding:
    def words(answer: Any) -> Finding:
        lacking = ACTIONS - {row[0] for row in answer[0]}
        if lacking:
            return Finding("polkit actions", State.WRONG, f"polkit does not know {', '.join(sorted(lacking))}", AGAIN)
        return Finding("polkit actions", State.OK, f"{len(ACTIONS)} of heald's")
    return await _asked("polkit actions", "first mend polkit",
                        bus.call(POLKIT, AUTHORITY_PATH, AUTHORITY, "EnumerateActions", "s", [""]), words)


async def _helper(bus: Bus) -> Finding:
    try:
        version = await bus.property(HELPER, HELPER_PATH, HELPER, "Version")
        [uid] = await bus.call(_BUS, _BUS_PATH, _BUS, "GetConnectionUnixUser", "s", [HELPER])
    except HealdError as error:
        fix = "systemctl status heald-helper.service"
        if " is masked" in str(error):
            fix = "systemctl unmask heald-helper.service"
        elif error.code is Code.ACCESS_DENIED or "not provided by any .service" in str(error):
            fix = ADMITTED
        return Finding("helper", State.WRONG, str(error), fix, OUT_OF_REACH)
    if version != __version__:
        return Finding("helper", State.WRONG, f"is {version}, this is {__version__}",
                       "systemctl stop heald-helper.service")
    return Finding("helper", State.OK, f"{version} answers, {WITHOUT_ROOT if uid else 'as root'}")


async def _daemon(bus: Bus) -> Finding:
    name = "daemon"
    try:
        if not await bus.owner(CONTROLLER):
            return Finding(name, State.WRONG, "is not running: nothing is healed by itself",
                           "systemctl enable --now heald.service", OUT_OF_REACH)
        version = await bus.property(CONTROLLER, CONTROLLER_PATH, CONTROLLER, "Version")
    except HealdError as error:
        fix = ADMITTED if error.code is Code.ACCESS_DENIED else "journalctl --unit=heald.service"
        return Finding(name, State.WRONG, str(error), fix, OUT_OF_REACH)
    if version != __version__:
        return Finding(name, State.WRONG, f"is {version}, this is {__version__}", "systemctl restart heald.service")
    return Finding(name, State.OK, f"{version} is running")


async def _at_boot(bus: Bus) -> Finding:
    name = "at boot"
    try:
        [state] = await bus.call(SYSTEMD, MANAGER_PATH, MANAGER, "GetUnitFileState", "s", ["heald.service"])
    except HealdError:
        return Finding(name, State.WRONG, "there is no heald.service", AGAIN)
    if state.startswith("enabled"):
        return Finding(name, State.OK, f"heald.service is {state}")
    return Finding(name, State.ABSENT, f"heald.service is {state}: it will not start by itself",
                   "systemctl enable heald.service" if state == "disabled" else "systemctl unmask heald.service")


async def _network(bus: Bus, settings: Settings) -> Finding:
    """Probes and a Prometheus beyond this machine, and metrics that are asked from there, need root's drop-in."""
    name, beyond = "network", {host for host in _reached(settings) if not _loopback(host)}
    served = settings.metrics.address if settings.metrics.enable and not _loopback(settings.metrics.address) else ""
    if not beyond and not served:
        return Finding(name, State.OK, "nothing is asked beyond this machine, and no page is served there")
    try:
        unit = await bus.properties(SYSTEMD, unit_path("heald.service"), f"{SYSTEMD}.Service")
    except HealdError as error:
        return Finding(name, State.WRONG, str(error), "systemctl status heald.service", OUT_OF_REACH)
    allowed = [ipaddress.ip_network((bytes(address), length)) for _, address, length in unit["IPAddressAllow"]]
    filters = bool(unit["IPAddressDeny"])
    shut = sorted(host for host in beyond if not any(ipaddress.ip_address(host) in net for net in allowed)) * filters
    if served and filters and all(net.is_loopback for net in allowed):
        return _refused(f"heald.service answers nobody beyond this machine, but [metrics] has it listen at {served}",
                        " ".join([*shut, "PROMETHEUS"]))
    if shut:
        return _refused(f"heald.service may not reach {', '.join(shut)}, which a probe or [fleet] asks", " ".join(shut))
    reached = [f"heald.service may reach {', '.join(sorted(beyond))}"] if beyond else []
    return Finding(name, State.OK, ", and ".join([*reached, *([f"answers at {served}"] if served else [])]))


def _refused(detail: str, addresses: str) -> Finding:
    return Finding("network", State.WRONG, detail,
                   f"write [Service] and IPAddressAllow={addresses} into {DROP_IN}; "
                   "systemctl daemon-reload; systemctl restart heald.service")


def _reached(settings: Settings) -> Iterator[str]:
    """The addresses of what heald asks."""
    yield from (probe.endpoint[0] for probe in settings.probes if probe.way != "unix")
    if settings.fleet.prometheus:
        yield settings.fleet.endpoint[0]


async def _fleet(fleet: Fleet) -> Finding:
    """Asked from here, which no sandbox holds."""
    try:
        counted = await prometheus.share("", "", fleet)
    except HealdError as error:
        return Finding("fleet", State.WRONG, str(error),
                       "Prometheus loads fleet/heald.rules.yml and scrapes heald; [fleet] has where it is")
    return Finding("fleet", State.OK, f"{counted.machines:,} machines are counted at {fleet.prometheus}")


def _loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
