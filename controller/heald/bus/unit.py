"""A Unit from what systemd says of it in one GetAll; nothing is asked here, but files are looked at."""

import os
import stat
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from .. import clock, mounts
from ..readings import Unit

_INFINITY = 2**64 - 1           # how systemd writes RuntimeMaxSec=infinity
_EXITED = 1                     # CLD_EXITED of waitid(2): the status is an exit status, else a signal
_ACTIONS = ("FailureAction", "SuccessAction", "StartLimitAction", "JobTimeoutAction")
_COMMANDS = ("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost")
_LIMITS = ("/50-MemoryHigh.conf", "/50-CPUWeight.conf")     # what SetUnitProperties wrote for heald below _CONTROL
_NEEDED = ("/usr/", "/etc/", "/run/", "/lib/", "/nix/store/")     # without these nothing goes on, us included
_CONTROL = "/run/systemd/system.control/"
_GENERATED = "/run/systemd/generator"       # and .early, .late: written anew at each daemon-reload, from SourcePath=

WANTED = frozenset(key.encode() for key in (
    "Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "Type", "Result", "Job", "InvocationID", "NRestarts",
    "FragmentPath", "SourcePath", "DropInPaths", "EnvironmentFiles", "NeedDaemonReload", "RestartPreventExitStatus",
    *_COMMANDS, "ExecMainCode", "ExecMainStatus", "ExecMainPID", "ExecMainStartTimestampMonotonic",
    "ExecMainExitTimestampMonotonic", "ActiveEnterTimestampMonotonic", "ActiveExitTimestampMonotonic",
    "InactiveEnterTimestampMonotonic", "InactiveEnterTimestamp", "RuntimeMaxUSec", *_ACTIONS,
    "TriggeredBy", "Requires", "BindsTo", "Wants", "RequiredBy", "BoundBy", "WantedBy", "Conflicts", "ConflictedBy"))
"""The properties that a Unit is made of, and that the manager looks at."""


def requirers(found: dict[str, Any]) -> set[str]:
    """The units that require this one, or are bound to it."""
    return {*found.get("RequiredBy", ()), *found.get("BoundBy", ())}


def as_unit(name: str, found: dict[str, Any], *, needed: bool) -> Unit:
    """The reading. What is not a property of its type of unit is as where it does not matter."""
    name = str(found.get("Id", name))
    runtime_max = found.get("RuntimeMaxUSec", 0)
    active = found.get("ActiveState", "")
    drop_ins = found.get("DropInPaths", ())
    own = [found.get("FragmentPath", ""), *drop_ins]
    commands = [command for key in _COMMANDS for command in found.get(key, ())]
    written = [path for path in (found.get("SourcePath", ""), *own) if not path.startswith(_GENERATED)]
    inputs = [*written, *(path for path, _optional in found.get("EnvironmentFiles", ())),
              *(command[0] for command in found.get("ExecStart", ()))]
    actions = [f"{key}={found[key]}" for key in _ACTIONS
               if found.get(key, "none") != "none"]
    statuses, signals = found.get("RestartPreventExitStatus", ((), ()))
    exited, ended = found.get("ExecMainCode") == _EXITED, found.get("ExecMainStatus", 0)
    return Unit(
        name=name,
        load_state=found.get("LoadState", ""),
        active_state=active,
        sub_state=found.get("SubState", ""),
        result=found.get("Result", "success"),
        service_type=found.get("Type", "") if name.endswith(".service") else "",
        exec_main_status=ended,
        n_restarts=found.get("NRestarts", 0),
        job=found.get("Job", (0, "/"))[0],
        invocation=bytes(found.get("InvocationID", b"")).hex(),
        active_exit=found.get("ActiveExitTimestampMonotonic", 0),
        inactive_enter=found.get("InactiveEnterTimestampMonotonic", 0),
        main_start=found.get("ExecMainStartTimestampMonotonic", 0),
        main_exit=found.get("ExecMainExitTimestampMonotonic", 0),
        main_pid=found.get("ExecMainPID", 0),
        runtime_max=0 if runtime_max == _INFINITY else runtime_max,
        triggered_by=tuple(found.get("TriggeredBy", ())),
        needed=needed,
        files=latest_change(written),
        active_for=clock.monotonic() - found.get("ActiveEnterTimestampMonotonic", 0) / 1e6 if active == "active" else 0,
        requires=tuple(dict.fromkeys(n for k in ("Requires", "BindsTo") for n in found.get(k, ()))),
        dependents=tuple(sorted(requirers(found))),
        reload=bool(found.get("NeedDaemonReload")) and not _explained(drop_ins, own),
        failure_action=", ".join(actions),
        clustered=any(fnmatchcase(path.rpartition("/")[2], "*pacemaker*") for path in drop_ins),
        exits=tuple(command[9] for command in commands if command[8] == _EXITED and not command[2]),
        prevented=bool(ended) and ended in (statuses if exited else signals),
        touched=latest_change(inputs) > found.get("InactiveEnterTimestamp", 0) / 1e6,
    )


def _explained(drop_ins: Iterable[str], own: list[str]) -> bool:
    """Whether the one thing that systemd has not read is that a limit of heald's is gone: its other files are there."""
    gone = {path for path in own if path and not os.path.exists(path)}
    lifted = {path for path in drop_ins if path.startswith(_CONTROL) and path.endswith(_LIMITS)}
    return bool(gone) and gone <= lifted


def latest_change(paths: Iterable[str]) -> float:
    """The latest ctime of files that are there, or of links to them, in seconds since the epoch; 0.0 when none is.

    A file server that is gone would hold us up for ever, just when the units that live on it fail.
    """
    latest = 0.0
    for path in paths:
        if not path or (not path.startswith(_NEEDED) and mounts.hangs(path, mounts.table())):
            continue
        for look in (os.lstat, os.stat):
            try:
                file = look(path)
            except OSError:
                continue    # gone, or not ours to see: no reason to think that it changed
            if stat.S_ISREG(file.st_mode) or stat.S_ISLNK(file.st_mode):    # a masked unit's is /dev/null, which a
                latest = max(latest, file.st_ctime)                         # sandbox makes anew
    return latest
