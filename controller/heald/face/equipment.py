"""What a machine has and lacks, as files and programs tell it: for `healctl doctor`, the one who guesses."""

import os
import platform
import pwd
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from glob import glob

from heald.sensors import temperature
from heald.sensors.container import in_container
from heald.sensors.load import pressure

INSTALLERS = (("debian", "apt install {}"), ("fedora", "dnf install {}"), ("rhel", "dnf install {}"),
              ("suse", "zypper install {}"), ("arch", "pacman -S {}"), ("alpine", "apk add {}"),
              ("nixos", "environment.systemPackages = [ pkgs.{} ];"))
"""By ID or ID_LIKE of os-release(5): how a package is had."""
NIX_PACKAGE = {"debian": "nix-bin"}
AGENT_PACKAGE = {"debian": "polkitd"}
PACKAGED = os.path.exists("/var/lib/dpkg/info/heald.md5sums")
AGAIN, OWN_AGAIN, USERS_AGAIN = (
    ("install the packages heald and heald-helper (again)",
     "cp /usr/share/doc/heald/own-user/60-heald-helper.rules /etc/polkit-1/rules.d/",
     "install the packages heald and heald-helper (again)") if PACKAGED else
    ("make install", "make install OWN_USER=1", "systemd-sysusers"))
"""What brings back a file of heald's own, the rules of a helper without root, and the users."""
ADMITTED = f"{AGAIN}; systemctl reload dbus.service"

FOLDERS = ("/etc", "/usr/share", "/usr/local/share", "/run/current-system/sw/share")
POLICIES = ("org.heald.Helper1.conf", "org.heald.Controller1.conf")
RULES, OWN_RULES = (tuple(f"{folder}/polkit-1/rules.d/{name}" for folder in FOLDERS)
                    for name in ("50-heald.rules", "60-heald-helper.rules"))
JOURNALS = ("/var/log/journal/*/system.journal", "/run/log/journal/*/system.journal")


class State(StrEnum):
    """How one thing is found."""

    OK = "ok"
    WRONG = "wrong"             # heald does not work, or not wholly
    ABSENT = "absent"           # a part of heald has nothing to do here: no reason to act
    UNKNOWN = "unknown"         # could not be seen


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `healctl doctor`. `fix`: the line that mends it, "" where there is nothing to mend.

    `code`: what the command ends with where it is wrong.
    """

    name: str
    state: State
    detail: str
    fix: str = ""
    code: int = 1


def found() -> Iterator[Finding]:
    """All of it, in the order in which it is shown."""
    for look in (rules, _policy, _users, _journal, _pressure, _sensors, _rsync, _nix, _agent):
        yield look()


def rules(*, own_user: bool = False) -> Finding:
    """What polkit lets the daemon do; `own_user`: the helper, where it runs without root. Debian lets nobody but root
    and polkitd look into the folder."""
    name = "helper's rules" if own_user else "polkit rules"
    if file := next(filter(os.path.exists, OWN_RULES if own_user else RULES), ""):
        return Finding(name, State.OK, file)
    folders = filter(os.path.isdir, map(os.path.dirname, RULES))
    if shut := [folder for folder in folders if not os.access(folder, os.X_OK)]:
        return Finding(name, State.UNKNOWN, f"only root may look into {shut[0]}", "sudo healctl doctor")
    if own_user:
        return Finding(name, State.WRONG, "60-heald-helper.rules is missing: systemd refuses all that a helper without "
                                          "root asks for", OWN_AGAIN)
    return Finding(name, State.WRONG, "50-heald.rules is missing: polkit refuses all that the daemon asks for", AGAIN)


def _policy() -> Finding:
    there = {name for name in POLICIES for folder in FOLDERS if os.path.exists(f"{folder}/dbus-1/system.d/{name}")}
    if lacking := [name for name in POLICIES if name not in there]:
        return Finding("bus policy", State.WRONG, f"there is no {' and no '.join(lacking)}: the bus lets nobody call",
                       ADMITTED)
    return Finding("bus policy", State.OK, " and ".join(POLICIES))


def _users() -> Finding:
    known = {entry.pw_name for entry in pwd.getpwall()}
    lacking = [name for name in ("_heald", "_heald-helper") if name not in known]
    if lacking:
        return Finding("users", State.WRONG, f"there is no user {' and no '.join(lacking)}", USERS_AGAIN)
    return Finding("users", State.OK, "_heald and _heald-helper")


def _journal() -> Finding:
    files = [file for pattern in JOURNALS for file in glob(pattern)]
    if any(os.access(file, os.R_OK) for file in files):
        return Finding("journal", State.OK, "you may read it")
    if files or os.geteuid():
        return Finding("journal", State.UNKNOWN, "you may not read the system's; the daemon may, by its own group",
                       f"usermod --append --groups systemd-journal {pwd.getpwuid(os.getuid()).pw_name}; log in again")
    return Finding("journal", State.WRONG, "there is none: what a failed unit said last is lost",
                   "systemctl start systemd-journald.service")


def _pressure() -> Finding:
    name = "pressure"
    if in_container():
        return Finding(name, State.ABSENT, "this is a container: memory and processors are its host's")
    if pressure("memory", "full avg10") is not None:
        return Finding(name, State.OK, "the kernel tells how long tasks wait (PSI)")
    return Finding(name, State.ABSENT, "the kernel does not tell (PSI): memory-low goes by what is available alone",
                   "add psi=1 to the kernel's command line and boot again")


def _sensors() -> Finding:
    name = "sensors"
    if in_container():
        return Finding(name, State.ABSENT, "this is a container: temperatures are its host's")
    if count := len(temperature.read()):
        return Finding(name, State.OK, f"{count} of temperature, with a limit of their own")
    return Finding(name, State.ABSENT, "none of temperature with a limit of its own; virtual machines have none",
                   f"{_install('lm-sensors')} && sensors-detect")


def _rsync() -> Finding:
    if file := shutil.which("rsync"):
        return Finding("rsync", State.OK, file)
    return Finding("rsync", State.ABSENT, "not installed: there are no backups of your own files", _install("rsync"))


def _nix() -> Finding:
    if file := shutil.which("nix-env"):
        return Finding("nix", State.OK, file)
    return Finding("nix", State.ABSENT, "not installed: there are no generations to go back to, which is well "
                                        "where nobody uses Nix", _install(NIX_PACKAGE, "nix"))


def _agent() -> Finding:
    if file := shutil.which("pkttyagent"):
        return Finding("password agent", State.OK, f"{file}: polkit can ask at a terminal")
    return Finding("password agent", State.ABSENT, "no pkttyagent: `healctl heal` needs root or a desktop",
                   _install(AGENT_PACKAGE, "polkit"))


def _install(package: dict[str, str] | str, default: str = "") -> str:
    """The command that installs a package on this distribution."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    like = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    family, command = next(((i, c) for i, c in INSTALLERS if i in like), ("", "install {}"))
    return command.format(package if isinstance(package, str) else package.get(family, default))
