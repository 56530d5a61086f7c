"""Whether this is a container, whose memory, processors and temperatures are its host's."""

from pathlib import Path

_MARKS = ("/run/systemd/container", "/run/host/container-manager", "/run/.containerenv", "/.dockerenv")
"""What systemd itself goes by (ConditionVirtualization=container) and any user may see: its own word for the container=
that its pid 1 was given, the container interface's file, podman's, docker's."""


def in_container(root: Path = Path("/")) -> bool:
    """As systemd-detect-virt --container has it."""
    return any((root / mark.lstrip("/")).exists() for mark in _MARKS)
