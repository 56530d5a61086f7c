"""A person logged in in a machine: a real logind session, a real `systemd --user`, and their session bus."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from machine import product
from machine.machine import Machine

TARGET = """\
[Unit]
BindsTo=graphical-session.target
Before=graphical-session.target
"""
"""graphical-session.target refuses a start by hand: a desktop has a target of its own for it."""
LOGIN = """\
[Unit]
After=systemd-user-sessions.service dbus.service systemd-logind.service
[Service]
Type=simple
User={name}
PAMName=login
WorkingDirectory=~
Environment=XDG_SEAT={seat} XDG_SESSION_TYPE=x11 XDG_SESSION_CLASS=user XDG_CURRENT_DESKTOP=test LANG=C.UTF-8
Environment=DISPLAY=:{display}
ExecStart={program}
"""
"""systemd opens a session for it as login(1) does. The newest on a seat without virtual terminals is the active one."""
PLAIN = """\
#!/bin/sh
systemctl --user start test-session.target
exec sleep infinity
"""


@dataclass(frozen=True)
class Person:
    """Somebody with an account of the machine; `display` numbers their screen."""

    machine: Machine
    name: str
    uid: int
    display: int = 7

    @property
    def password(self) -> str:
        return f"{self.name}-password"

    @property
    def environment(self) -> Mapping[str, str]:
        runtime = f"/run/user/{self.uid}"
        return {"PATH": "/usr/bin:/bin", "HOME": f"/home/{self.name}", "USER": self.name, "LANG": "C.UTF-8",
                "XDG_RUNTIME_DIR": runtime, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
                "DISPLAY": f":{self.display}", "XAUTHORITY": f"{runtime}/xauth"}

    def run(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Runs a command as this person, in no cgroup of the machine: enough to talk to their own bus and screen."""
        return self.machine.run(*command, user=self.name, env=self.environment, check=check)

    def systemctl(self, *words: str, check: bool = True) -> str:
        return self.run("systemctl", "--user", *words, check=check).stdout.strip()

    def unit(self, name: str, *command: str) -> None:
        """Runs a command in a unit of theirs: what asks polkit must be in a cgroup of the session's."""
        self.run("systemd-run", "--user", "--quiet", "--collect", f"--unit={name}", *command)

    def as_unit(self, *command: str) -> list[str]:
        """The words, as root in the machine, that run a command in a unit of theirs and wait for it."""
        return ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", "--", "env", "-i",
                *(f"{name}={value}" for name, value in self.environment.items()),
                "systemd-run", "--user", "--quiet", "--collect", "--wait", "--pipe", *command]

    def state(self, unit: str, what: str = "ActiveState") -> str:
        return self.systemctl("show", f"--property={what}", "--value", unit)

    def journal(self, unit: str) -> str:
        return self.machine.journal(f"_UID={self.uid}", f"_SYSTEMD_USER_UNIT={unit}")

    def add_service(self, name: str, service: str = "ExecStart=/usr/bin/sleep infinity", unit: str = "", *,
                    start: bool = True) -> None:
        """A unit of their own."""
        self.machine.write(f"/home/{self.name}/.config/systemd/user/{name}", f"[Unit]\n{unit}\n[Service]\n{service}\n")
        self.machine.run("chown", "-R", f"{self.name}:", f"/home/{self.name}/.config")
        self.systemctl("daemon-reload")
        if start:
            self.systemctl("start", name, check=False)

    def kill(self, name: str) -> None:
        """As a crash would; who waits for `failed` may come too late to see it."""
        self.systemctl("kill", "--signal=KILL", name)

    def property(self, name: str) -> str:
        """One of org.heald.Controller1 on their session bus, as busctl prints it; "" where nobody answers."""
        return self.run("busctl", "--user", "get-property", "org.heald.Controller1", "/org/heald/Controller1",
                        "org.heald.Controller1", name, check=False).stdout

    def logs_in(self, *, seat: str = "seat0", program: str = PLAIN) -> None:
        """Returns when their graphical session is active."""
        self.machine.write("/etc/xdg/systemd/user/test-session.target", TARGET)
        self.machine.write(f"/opt/session-{self.name}", program, "755")
        product.add_unit(self.machine, f"session-{self.name}.service", LOGIN.format(
            name=self.name, seat=seat, display=self.display, program=f"/opt/session-{self.name}"))
        self.machine.run("systemctl", "start", f"session-{self.name}.service")
        product.wait_until(lambda: self.systemctl("is-active", "graphical-session.target", check=False) == "active",
                           f"the session of {self.name} is active")

    def comes_to_front(self) -> None:
        """Their session becomes the active one of its seat, as a display manager does it when users are switched."""
        session = self.machine.run("loginctl", "show-user", "--property=Display", "--value", self.name).stdout.strip()
        self.machine.run("loginctl", "activate", session)

    def logs_out(self) -> None:
        """With all that ran in the session, and the person's systemd."""
        self.machine.run("systemctl", "stop", f"session-{self.name}.service")
        product.wait_until(lambda: product.state(self.machine, f"user@{self.uid}.service") == "inactive",
                           f"{self.name} is logged out")


def add_person(machine: Machine, name: str, uid: int, *, administrator: bool, display: int = 7) -> Person:
    """An account with a password of its own."""
    person = Person(machine, name, uid, display)
    machine.run("useradd", "--create-home", "--shell=/bin/bash", f"--uid={uid}", name)
    machine.run("chpasswd", stdin=f"{name}:{person.password}\n")
    if administrator:
        machine.run("gpasswd", "--add", name, "sudo")
    return person
