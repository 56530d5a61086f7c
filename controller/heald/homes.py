"""The two homes of heald: the machine, healed by root's helper, and one person's own units, healed by their systemd."""

import os
from dataclasses import dataclass
from pathlib import Path

from heald import config, paths


@dataclass(frozen=True, slots=True)
class Home:
    """Whom a daemon heals: on which bus, by which configuration, and where it remembers."""

    bus: str                    # "system" or "session"
    config: Path
    state: Path
    name: str                   # for people

    @property
    def own(self) -> bool:
        """A person's own units, and nothing of the machine's."""
        return self.bus == "session"


def machine() -> Home:
    """The machine that heald runs on."""
    return Home("system", config.DEFAULT, paths.state(), "this machine")


def session() -> Home:
    """The units of the user who runs this."""
    return Home("session", paths.own_config(), paths.own_state() / "session", f"the units of uid {os.getuid()}")
