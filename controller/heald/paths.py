"""Where heald keeps what it remembers."""

import os
import tempfile
from pathlib import Path

DAEMON_HISTORY = Path("/var/lib/heald/history.db")
"""Of the daemon that systemd runs; members of group _heald may read it."""


def state() -> Path:
    """The daemon's: /var/lib/heald under systemd (STATE_DIRECTORY=), a person's own folder in a checkout."""
    given = os.environ.get("STATE_DIRECTORY")
    return Path(given) if given else own_state()


def own_state() -> Path:
    """A person's own, by the XDG base directories. A uid without a home (a container's) has one for temporary files."""
    home = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".local/state") / "heald"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"heald-{os.getuid()}"


def own_config() -> Path:
    """What a person tells the heald of their session, by the XDG base directories."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "heald/heald.toml"
