"""What is installed where: every file of the checkout that a machine gets, its place below PREFIX, and its mode."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Rule:
    """Files that match `pattern` in the checkout go to the folder `into`, which may begin with {prefix}."""

    pattern: str
    into: str
    mode: int = 0o644
    but: frozenset[str] = frozenset()       # names that match and are not meant


RULES = (
    Rule("systemd/*.service", "{prefix}/lib/systemd/system", but=frozenset({"heald-session.service"})),
    Rule("systemd/*.timer", "{prefix}/lib/systemd/system"),
    Rule("systemd/heald-session.service", "{prefix}/lib/systemd/user"),
    Rule("systemd/sysusers.d/*.conf", "{prefix}/lib/sysusers.d"),
    Rule("systemd/tmpfiles.d/*.conf", "{prefix}/lib/tmpfiles.d"),
    Rule("systemd/libexec/*", "{prefix}/lib/heald/libexec", 0o755),
    # dbus-daemon and polkitd do not read all of /usr/local: these stay in /usr, whatever PREFIX is.
    Rule("dbus/*.conf", "/usr/share/dbus-1/system.d"),
    Rule("dbus/*.service", "/usr/share/dbus-1/system-services"),
    Rule("dbus/*.xml", "/usr/share/dbus-1/interfaces"),
    Rule("polkit/*.policy", "/usr/share/polkit-1/actions"),
    Rule("polkit/50-*.rules", "/usr/share/polkit-1/rules.d"),
    # The helper without root is an administrator's choice: what it takes lies ready, and grants nothing until copied,
    # or until OWN_USER=1 asks for it.
    Rule("polkit/60-*.rules", "{prefix}/share/doc/heald/own-user"),
    Rule("systemd/heald-helper.service.d/*.conf", "{prefix}/share/doc/heald/own-user"),
    Rule("man/*.1", "{prefix}/share/man/man1"),
    Rule("man/*.5", "{prefix}/share/man/man5"),
    Rule("man/*.8", "{prefix}/share/man/man8"),
    Rule("completions/bash/*", "{prefix}/share/bash-completion/completions"),
    Rule("completions/fish/*", "{prefix}/share/fish/vendor_completions.d"),
    Rule("completions/zsh/*", "{prefix}/share/zsh/site-functions"),
    Rule("completions/zsh/*", "{prefix}/share/zsh/vendor-completions"),     # Debian's zsh looks here alone
    Rule("fleet/*.yml", "{prefix}/share/heald/fleet", but=frozenset({"heald.rules.test.yml"})),
    Rule("fleet/*.json", "{prefix}/share/heald/fleet"),
    Rule("fleet/machines/*.yml", "{prefix}/share/heald/fleet/machines"),
    Rule("LICENSE", "{prefix}/share/doc/heald"),
)

OWN_USER = (
    Rule("polkit/60-*.rules", "/usr/share/polkit-1/rules.d"),
    Rule("systemd/heald-helper.service.d/*.conf", "{prefix}/lib/systemd/system/heald-helper.service.d"),
)
"""The helper without root, in place: what it needs of systemd, and who it is."""

PACKAGES = {
    "controller/heald": "{prefix}/lib/heald/site/heald",
    "helper/heald_helper": "{prefix}/lib/heald/helper/heald_helper",
}
"""Python packages, copied whole; a symlink in one becomes the file it leads to."""

LOCKS = {"requirements/run.txt": "{prefix}/lib/heald/site", "requirements/helper.txt": "{prefix}/lib/heald/helper"}
"""What each half needs beside the standard library, apart: root imports nothing of the controller's."""

LAUNCHERS = {
    "{prefix}/bin/heald": ("site", "heald.daemon"),
    "{prefix}/bin/healctl": ("site", "heald.face.cli"),
    "{prefix}/lib/heald/heald-helper": ("helper", "heald_helper.__main__"),
}
"""Programs: the folder of {prefix}/lib/heald they import from, and the module whose main() they are."""

LAUNCHER = """\
#!{python} -IS
import sys

sys.path.insert(0, "{prefix}/lib/heald/{folder}")
{site}from {module} import main

sys.exit(main())
"""
"""-I: neither the caller's folder nor PYTHONPATH can put a module in the way. -S: nor can the machine's site packages,
of which dbus-next would load what it finds of GLib; and a start without them is 3 ms shorter."""

SITE = """\
sys.path += {site!r}
sys.modules["gi"] = None
"""
"""Where a distribution's own packages are what is imported: they come last, and dbus-next still loads no GLib."""

MANIFEST = "{prefix}/lib/heald/manifest"
VOLATILE = ("/run/heald", "/run/heald-helper")
"""Folders that go with the programs: root's counts of what it did."""

CONFIGURATION = "/etc/heald"
"""Made empty: all that is in it is a person's."""

STATE = (*VOLATILE, CONFIGURATION, "/var/lib/heald", "/var/lib/heald-helper")
"""Folders that `purge` takes as well: configuration, history, known-good marks."""

LIB_IN_FILES = "/usr/lib/heald"
BIN_IN_FILES = "/usr/bin/heal"          # heald and healctl
PYTHON_IN_FILES = "/usr/bin/python3"
"""What files of the checkout say, valid as they stand for PREFIX=/usr; another PREFIX or PYTHON is put in."""


def contents(prefix: str, python: str, *, own_user: bool, site: Sequence[str] = ()) -> Iterator[tuple[str, str, int]]:
    """Each file of heald's own: its path on the machine, its text and its mode.

    `site`: folders of the dependencies, where they do not lie in those of LOCKS.
    """
    for rule in (*RULES, *(OWN_USER if own_user else ())):
        for source in sorted(SOURCE.glob(rule.pattern)):
            if source.is_file() and source.name not in rule.but:
                path = f"{rule.into.format(prefix=prefix)}/{source.name}"
                yield path, _adapt(source.read_text(), prefix, python), rule.mode
    for package, into in PACKAGES.items():
        for source in sorted((SOURCE / package).rglob("*")):
            if source.is_file() and "__pycache__" not in source.parts:
                yield f"{into.format(prefix=prefix)}/{source.relative_to(SOURCE / package)}", source.read_text(), 0o644
    for path, (folder, module) in LAUNCHERS.items():
        text = LAUNCHER.format(python=python, prefix=prefix, folder=folder, module=module,
                               site=SITE.format(site=list(site)) if site else "")
        yield path.format(prefix=prefix), text, 0o755


def _adapt(text: str, prefix: str, python: str) -> str:
    """Puts PREFIX and PYTHON in; what a unit may execute (ExecPaths=), and what the helper sees, grows by them."""
    if prefix != "/usr":
        for key in ("ExecPaths=", "BindReadOnlyPaths="):
            text = text.replace(f"\n{key}/usr/", f"\n{key}{prefix}/bin {prefix}/lib /usr/")
    text = text.replace(LIB_IN_FILES, f"{prefix}/lib/heald").replace(BIN_IN_FILES, f"{prefix}/bin/heal")
    return text.replace(PYTHON_IN_FILES, python)
