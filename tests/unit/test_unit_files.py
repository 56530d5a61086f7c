"""The files that a unit is made of, from systemd's properties of it."""

from typing import Any

from heald.bus.unit_files import named_files


def command(*argv: str) -> tuple[Any, ...]:
    return (argv[0], list(argv), False, 0, 0, 0, 0, 0, 0, 0)


def test_its_own_what_it_names_and_what_bears_its_name() -> None:
    found = {
        "FragmentPath": "/lib/systemd/system/web@.service", "SourcePath": "", "DropInPaths": ["/etc/systemd/x.conf"],
        "EnvironmentFiles": [("/etc/default/other", True)], "Environment": ["CONF=/etc/env.toml", "PATH=/usr/bin:/bin"],
        "ExecStart": [command("/usr/sbin/web", "-c", "/etc/web/main.conf", "--include=/opt/a.conf,/etc/b.conf",
                              "--data=/var/lib/web", "/run/web.pid", "/etc/../var/x", "http://host/etc/c")],
        "ExecStartPre": [command("/usr/bin/check")], "ConfigurationDirectory": ["web.d"],
    }
    assert set(named_files("web@one.service", found)) == {
        "/lib/systemd/system/web@.service", "/etc/systemd/x.conf", "/etc/default/other", "/etc/env.toml",
        "/usr/sbin/web", "/usr/bin/check", "/etc/web/main.conf", "/opt/a.conf", "/etc/b.conf", "/etc/web.d",
        "/etc/web", "/etc/web.conf", "/etc/default/web", "/etc/sysconfig/web"}


def test_a_unit_of_another_type_has_what_it_has() -> None:
    path = "/etc/systemd/system/srv.mount"
    assert path in set(named_files("srv.mount", {"FragmentPath": path}))
