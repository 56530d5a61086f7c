"""One exception with a code from a closed list. D-Bus error names and exit codes map to it here, nowhere else."""

from enum import StrEnum

INTERRUPTED = 130       # 128 + SIGINT: the exit code of what Ctrl-C ended, as shells have it


class Code(StrEnum):
    """What went wrong. A value that the helper answers with is the last part of its D-Bus error name."""

    CONFIG = "Config"                                           # a configuration that cannot be used
    UNREACHABLE = "Unreachable"                                 # no bus, no such service, or the connection was lost
    TIMEOUT = "Timeout"                                         # no answer in time: what was asked may have happened
    INVALID_ARGS = "InvalidArgs"
    PROTECTED = "Protected"
    ACCESS_DENIED = "AccessDenied"
    INTERACTIVE = "InteractiveAuthorizationRequired"
    HEALTHY = "Healthy"
    LIMITS_EXCEEDED = "LimitsExceeded"
    BUSY = "Busy"
    FAILED = "Failed"
    NOT_SUPPORTED = "NotSupported"


REFUSED = frozenset({Code.PROTECTED, Code.ACCESS_DENIED, Code.INTERACTIVE, Code.LIMITS_EXCEEDED, Code.NOT_SUPPORTED})
"""Answers by which root or polkit said no to this caller or for this target."""

_EXIT = {Code.CONFIG: 2, Code.INVALID_ARGS: 2, Code.UNREACHABLE: 4, Code.TIMEOUT: 4} | dict.fromkeys(REFUSED, 3)

_LOST = frozenset({"ServiceUnknown", "NameHasNoOwner", "Disconnected", "NoServer", "FileNotFound", "UnitMasked"})
_NOT_STARTED = "org.freedesktop.DBus.Error.Spawn."       # the bus could not start the service that owns the name
_SILENT = frozenset({"NoReply", "TimedOut", "Timeout"})


class HealdError(Exception):
    """Something that a person or a peer is told in one line: what was wrong, where, what to do next."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def exit_code(self) -> int:
        """Of the command that ends with this error: 2 usage or configuration, 3 refused, 4 out of reach, 1 else."""
        return _EXIT.get(self.code, 1)


def from_dbus(name: str, text: str) -> HealdError:
    """The exception for a D-Bus error of `name` (org.freedesktop.DBus.Error.AccessDenied) and its text."""
    last = name.rpartition(".")[2]
    if last in _LOST or name.startswith(_NOT_STARTED):
        return HealdError(Code.UNREACHABLE, text)
    if last in _SILENT:
        return HealdError(Code.TIMEOUT, text)
    known = name.startswith(("org.freedesktop.DBus.Error.", "org.heald.Error.")) and last in set(Code)
    return HealdError(Code(last) if known else Code.FAILED, text)
