"""A person at a real screen: an X server, a window manager, a notification server, a polkit agent, a mouse and keys."""

import json
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

from machine import product
from machine.machine import Machine
from machine.session import Person, add_person

AGENT = "/usr/lib/policykit-1-gnome/polkit-gnome-authentication-agent-1"
SERVICE = "heald-session.service"
PROGRAM = """\
#!/bin/bash
exec >> /tmp/session-$USER.log 2>&1
export XAUTHORITY=$XDG_RUNTIME_DIR/xauth
xauth -q -f "$XAUTHORITY" add $DISPLAY . $(mcookie)
exec 5> "$XDG_RUNTIME_DIR/screen"
Xvfb $DISPLAY -screen 0 SIZEx24 -nolisten tcp -noreset -auth "$XAUTHORITY" -displayfd 5 &
until [ -s "$XDG_RUNTIME_DIR/screen" ]; do sleep 0.02; done
dbus-update-activation-environment --systemd DISPLAY XAUTHORITY XDG_SESSION_TYPE XDG_CURRENT_DESKTOP XDG_SESSION_ID LANG
openbox &
systemctl --user start test-session.target
trap 'systemctl --user stop test-session.target; kill %1' TERM
wait %1
"""
PASSWORD_WINDOW = "^Authenticate$"      # noqa: S105 - the title of a window


@dataclass(frozen=True)
class Text:
    """Something that can be read on a screen, and where."""

    app: str
    role: str
    text: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class AtScreen(Person):
    """A person, and all that they see and do at their screen."""

    def sits_down(self, size: str = "1280x800") -> None:
        """Logs in; their desktop, with an agent and heald, is there when this returns. Notifications start by need."""
        self.logs_in(program=PROGRAM.replace("SIZE", size))
        self.start_agent()
        product.wait_until(lambda: self.state(SERVICE) == "active", f"heald serves {self.name}")

    def start_agent(self) -> None:
        before = self._registered()
        self.unit("agent", AGENT)
        product.wait_until(lambda: self._registered() > before, "polkit knows the agent")

    def stop_agent(self) -> None:
        self.systemctl("stop", "agent.service")

    def _registered(self) -> int:
        """How often polkit was told of an agent in the session of this person."""
        return self.machine.journal("-u", "polkit.service").count("Registered Authentication Agent")

    def seen(self) -> list[Text]:
        """All that can be read now. What could not be read is not taken for an empty screen."""
        lines: list[str] = []

        def read() -> bool:
            done = self.run("/usr/bin/python3", "-I", f"{product.SOURCE}/tests/desktop/seen.py", check=False)
            lines[:] = done.stdout.splitlines()
            return done.returncode == 0
        product.wait_until(read, f"the screen of {self.name} can be read")
        return [Text(**json.loads(line)) for line in lines]

    def reads(self, words: str) -> bool:
        """Whether these words are somewhere on the screen."""
        return any(words in text.text for text in self.seen())

    def waits_for(self, words: str) -> None:
        product.wait_until(lambda: self.reads(words), f"{self.name} reads: {words}")

    def clicks(self, label: str) -> None:
        """With the mouse, on the newest button of this name, once it stays where it is."""
        found: list[Text] = []

        def still() -> bool:
            nonlocal found
            before, found = found, [one for one in self.seen() if (one.role, one.text) == ("push button", label)]
            return bool(found) and found == before
        product.wait_until(still, f"there is a button {label}")
        at = found[-1]
        self.run("xdotool", "mousemove", str(at.x + at.width // 2), str(at.y + at.height // 2), "sleep", "0.1",
                 "click", "1")

    def is_asked(self) -> bool:
        """A password window is up."""
        return self.run("xdotool", "search", "--onlyvisible", "--name", PASSWORD_WINDOW, check=False).returncode == 0

    def waits_to_be_asked(self) -> None:
        product.wait_until(self.is_asked, f"{self.name} is asked for a password")

    def types(self, line: str) -> None:
        """Into the password window, and Return."""
        self.run("xdotool", "type", "--delay", "10", line)
        self.run("xdotool", "key", "Return")

    def types_wrong(self) -> None:
        """Returns when that was told to be wrong, and the window is ready for another or gone."""
        before = self._failures()
        self.types("not-the-password")
        product.wait_until(lambda: self._failures() > before, "the password was wrong")
        product.wait_until(lambda: not self.is_asked() or any(one.role == "password text" for one in self.seen()),
                           "the window is ready again, or gone")

    def _failures(self) -> int:
        return self.machine.journal("-t", "polkit-agent-helper-1").count("authentication failure")

    def presses(self, key: str) -> None:
        self.run("xdotool", "key", key)

    def picture(self, file: Path) -> None:
        """What the screen looks like, as a PNG on this host."""
        name = f"/run/user/{self.uid}/picture.png"
        self.run("scrot", "--overwrite", name)
        file.write_bytes(b64decode(self.machine.run("base64", name).stdout))


def at_screen(machine: Machine, name: str, uid: int, *, administrator: bool, display: int) -> AtScreen:
    """An account, nobody logged in yet."""
    person = add_person(machine, name, uid, administrator=administrator, display=display)
    return AtScreen(machine, person.name, person.uid, person.display)
