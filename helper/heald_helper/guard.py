"""Which units root touches at all, whoever asks: the controller may be taken over, and a person may err."""

import re
from fnmatch import fnmatchcase

from .contract import RefusedError
from .loop import together
from .settings import Settings
from .systemd import Manager, Unit

NAME = re.compile(r"[A-Za-z0-9:_.\\@-]{1,245}\.(service|socket|timer|path|mount)", re.ASCII)
"""A unit that can be healed. Scopes and slices hold somebody's processes, devices and swaps are the kernel's."""

FOLDERS = tuple(f"{folder}/" for folder in (
    "/etc/systemd", "/usr/lib/systemd", "/lib/systemd", "/usr/local/lib/systemd", "/nix/store",
    "/run/systemd/generator", "/run/systemd/generator.early", "/run/systemd/generator.late"))
"""Where only root, the distribution or a generator puts unit files; never elsewhere in /run."""

NEVER = (
    "dbus*", "polkit*", "user@*", "user-runtime-dir@*", "*getty*", "display-manager.service",
    "gdm*", "lightdm*", "sddm*", "lxdm*", "xdm*", "greetd*", "ly.service", "ly@*", "slim*", "nodm*", "cosmic-greeter*",
    "init.scope", "systemd-*", "heald*", "debug-shell*", "emergency*", "rescue*", "initrd-*", "plymouth*", "auditd*",
    "fwupd*", "pacemaker*", "corosync*", "drbd*", "ceph*", "modprobe@*",
)
"""Never touched: the ground we stand on, other people's sessions, and what has a healer of its own."""

BUT = ("systemd-resolved.service", "systemd-networkd.service", "systemd-timesyncd.service", "systemd-oomd.service")
"""Of systemd's own units these may be started, where they failed."""


def check_name(name: str) -> None:
    """RefusedError InvalidArgs where `name` is not the full name of a unit that can be healed."""
    if not NAME.fullmatch(name):
        raise RefusedError("InvalidArgs", "not the full name of a .service, .socket, .timer, .path or .mount unit")
    stem = name.rpartition(".")[0]
    if stem.endswith("@") or stem.startswith("@"):
        raise RefusedError("InvalidArgs", "a template is not a unit: name an instance")


def check_loaded(unit: Unit) -> None:
    """RefusedError InvalidArgs where root did not install it."""
    state = unit.text("LoadState")
    if state == "not-found":
        raise RefusedError("InvalidArgs", "there is no such unit")
    if state == "masked":
        raise RefusedError("Failed", f"{unit.id} is masked: systemctl unmask it if it should run")
    if state != "loaded":
        raise RefusedError("Failed", f"{unit.id} could not be loaded ({state}): see systemctl status")
    path = unit.text("FragmentPath")
    if unit.flag("Transient") or ".." in path or not path.startswith(FOLDERS):
        raise RefusedError("InvalidArgs", f"{unit.id} is transient, or its file is not in one of systemd's folders")


async def check_touchable(manager: Manager, unit: Unit, settings: Settings, *, starts: bool) -> None:
    """RefusedError Protected where this unit, under any of its names, is never touched. `starts`: only to start it."""
    check_name(unit.id)
    if settings.mistaken:
        raise RefusedError("Protected", "helper.toml has a mistake, and until it is mended no unit is touched: see "
                                        "journalctl -u heald-helper")
    if is_protected(unit, settings):
        raise RefusedError("Protected", f"{unit.id} is protected in helper.toml")
    if is_never_touched(unit, starts=starts):
        raise RefusedError("Protected", f"{unit.id} is never touched by heald")
    if unit.flag("RefuseManualStart") or unit.flag("RefuseManualStop"):
        raise RefusedError("Protected", f"{unit.id} refuses to be started or stopped by hand")
    if {unit.text(f"{when}Action") for when in ("Failure", "Success", "StartLimit", "JobTimeout")} != {"none"}:
        raise RefusedError("Protected", f"{unit.id} has an action for its end that is about the whole machine")
    if unit.id.endswith(".service"):
        await _check_nobodys_session(manager, unit)
    if "@" in unit.id:
        await _check_instance(manager, unit)


def is_protected(unit: Unit, settings: Settings) -> bool:
    """Whether root's file protects it, by any of its names."""
    return any(_matches(name, settings.protected) for name in {unit.id, *unit.names("Names")})


def is_never_touched(unit: Unit, *, starts: bool) -> bool:
    """Whether it is on the list above; `starts`: it would only be started."""
    # By an alias dbus-NAME.service the bus starts a service of anybody's: it says nothing of what the service is.
    names = {unit.id, *(name for name in unit.names("Names") if not name.startswith("dbus-"))}
    return (any(_matches(name, NEVER) for name in names)
            and not (starts and unit.state == "failed" and unit.id in BUT))


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


async def _check_nobodys_session(manager: Manager, unit: Unit) -> None:
    """A service with a PAM name or a terminal is somebody's session."""
    keys = ("PAMName", "TTYPath")
    for key, value in zip(keys, await together(*(manager.detail(unit, key) for key in keys)), strict=True):
        if value != "":
            raise RefusedError("Protected", f"{unit.id} has {key}=: it is somebody's session")


async def _check_instance(manager: Manager, unit: Unit) -> None:
    """Anyone may load an instance of any name, so that it exists proves nothing: it must have run."""
    if unit.state not in {"active", "failed"} and not unit.number("ActiveExitTimestampMonotonic"):
        raise RefusedError("Protected", f"{unit.id} is an instance that never ran")
    # systemd forgets TriggeredBy of an instance at a daemon-reload, but Accept=yes has its services named like this.
    socket = await manager.unit(f"{unit.id.partition('@')[0]}.socket")
    if unit.id.endswith(".service") and await manager.detail(socket, "Accept") is True:
        raise RefusedError("Protected", f"{unit.id} belongs to one connection of {socket.id}")
