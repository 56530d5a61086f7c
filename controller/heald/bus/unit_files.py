"""Which files a unit is made of: its own, and the configuration that it names or that bears its name."""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

_COMMANDS = ("ExecStartPre", "ExecStart", "ExecStartPost")
_NAMED = re.compile(r"(?:^|[=:,])(/[^\s=:,;]+)")        # in "-c/etc/x" there is none: it might as well be a pattern
_CONFIGURATION = ("/etc/", "/usr/local/etc/", "/opt/")
"""Where a path that an argument or a variable names counts: elsewhere it is data, which changes all the time."""


def named_files(name: str, found: dict[str, Any]) -> Iterator[str]:
    """Files and folders, as systemd's properties of the unit `found` have them; they need not be there."""
    yield from filter(None, (found.get("FragmentPath"), found.get("SourcePath"), *found.get("DropInPaths", ())))
    yield from (path for path, _optional in found.get("EnvironmentFiles", ()))
    commands = [command for key in _COMMANDS for command in found.get(key, ())]
    yield from (command[0] for command in commands)
    words = [*(word for command in commands for word in command[1][1:]), *found.get("Environment", ())]
    named = (path for word in words for path in _NAMED.findall(word))
    yield from (path for path in named if path.startswith(_CONFIGURATION) and ".." not in path)
    yield from (f"/etc/{folder}" for folder in found.get("ConfigurationDirectory", ()))
    stem = PurePath(name).stem.partition("@")[0]
    yield from (f"/etc/{stem}", f"/etc/{stem}.conf", f"/etc/default/{stem}", f"/etc/sysconfig/{stem}")
