"""STAND-INS for systemd and polkit on a private bus: no more of them than heald and its helper ask for.

systemd's stand-in has one service, a real process that it starts and whose death it reports, and heald's two operation
units, whose work it does itself. polkit's says yes to everyone. Nothing here is privileged.
"""

import asyncio
import shutil
import sys
import time
from pathlib import Path

from dbus_next.message import Message
from dbus_next.signature import Variant

from demo.faults import JOURNAL, SERVICE
from heald.bus.connection import Bus
from heald.bus.systemd import MANAGER, MANAGER_PATH, SYSTEMD, unit_path

POLKIT = "org.freedesktop.PolicyKit1"
PROPERTIES = "org.freedesktop.DBus.Properties"
STAMPS = ("ActiveEnterTimestampMonotonic", "ActiveExitTimestampMonotonic", "InactiveEnterTimestampMonotonic",
          "ExecMainStartTimestampMonotonic", "ExecMainExitTimestampMonotonic")
UNKNOWN = "org.freedesktop.DBus.Error.UnknownMethod"


def _now() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def _variant(value: object) -> Variant:
    signatures = {str: "s", bool: "b", int: "t", list: "as", tuple: "(uo)", bytes: "ay"}
    return Variant(signatures[type(value)], list(value) if isinstance(value, tuple) else value)


def vacuum_journal() -> None:
    shutil.rmtree(JOURNAL, ignore_errors=True)          # its contents: a mount point itself cannot be removed


def restore_permissions() -> None:
    Path("/tmp").chmod(0o1777)


OPERATIONS = {"heald-vacuum-journal.service": vacuum_journal, "heald-restore-permissions.service": restore_permissions}


class Unit:
    """What systemd would say of one unit."""

    def __init__(self, name: str, kind: str, state: str) -> None:
        self.name = name
        self.properties: dict[str, object] = {
            "Id": name, "Names": [name], "LoadState": "loaded", "Transient": False, "UnitFileState": "static",
            "FragmentPath": f"/etc/systemd/system/{name}", "RefuseManualStart": False, "RefuseManualStop": False,
            "ConditionResult": True, "Requires": [], "Requisite": [], "BindsTo": [], "TriggeredBy": [],
            "RequiredBy": [], "WantedBy": [], "BoundBy": [], "Wants": [], "Conflicts": [], "ConflictedBy": [],
            "FailureAction": "none", "SuccessAction": "none", "StartLimitAction": "none", "JobTimeoutAction": "none",
            "NeedDaemonReload": False, "Type": kind, "PAMName": "", "TTYPath": "", "Job": (0, "/"),
            "ActiveState": state, "SubState": state, "Result": "success",
            "InvocationID": b"\x01" * 16, "ExecMainStatus": 0, "NRestarts": 0, "MainPID": 0,
            **dict.fromkeys(STAMPS, 0)}

    def set(self, **properties: object) -> None:
        self.properties |= properties


class Systemd:
    """The manager of these units."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._jobs = 0
        self.units = {SERVICE: Unit(SERVICE, "simple", "inactive"),
                      **{name: Unit(name, "oneshot", "inactive") for name in OPERATIONS}}

    def answer(self, call: Message) -> Message:
        """The reply to one call."""
        unit = next((unit for unit in self.units.values() if unit_path(unit.name) == call.path), None)
        if call.interface == PROPERTIES:
            shown = unit.properties if unit else self._own()
            if call.member == "GetAll":
                return Message.new_method_return(call, "a{sv}", [{k: _variant(v) for k, v in shown.items()}])
            if call.body[1] in shown:
                return Message.new_method_return(call, "v", [_variant(shown[call.body[1]])])
        if call.member in {"Subscribe", "ResetFailedUnit"}:
            return Message.new_method_return(call)
        if call.member == "LoadUnit" and call.body[0] in self.units:
            return Message.new_method_return(call, "o", [unit_path(call.body[0])])
        if call.member == "ListUnitsFiltered":
            rows = [[name, "", "loaded", "failed", "failed", "", unit_path(name), 0, "", "/"]
                    for name in self._failed()]
            return Message.new_method_return(call, "a(ssssssouso)", [rows])
        if call.member == "ListUnitsByNames":
            known = [self.units[name].properties for name in call.body[0] if name in self.units]
            rows = [[one["Id"], "", one["LoadState"], one["ActiveState"], one["SubState"], "",
                     unit_path(str(one["Id"])), 0, "", "/"] for one in known]
            return Message.new_method_return(call, "a(ssssssouso)", [rows])
        if call.member == "StartUnit" and call.body[0] in self.units:
            return Message.new_method_return(call, "o", [self._begin(self.units[call.body[0]])])
        return Message.new_error(call, UNKNOWN, f"the stand-in knows no {call.member} {call.body}")

    async def start(self, unit: Unit) -> None:
        """Does what the unit is there for."""
        if unit.name in OPERATIONS:
            OPERATIONS[unit.name]()
            return
        process = await asyncio.create_subprocess_exec("sleep", "infinity")
        unit.set(ActiveState="active", SubState="running", Result="success", MainPID=process.pid,
                 ActiveEnterTimestampMonotonic=_now(), ExecMainStartTimestampMonotonic=_now())
        self._bus.spawn(self._wait(unit, process), "a service")
        self._tell_failed()

    async def _wait(self, unit: Unit, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        exited = _now()
        unit.set(ActiveState="failed", SubState="failed", Result="signal", ExecMainExitTimestampMonotonic=exited,
                 ExecMainStatus=9, ActiveExitTimestampMonotonic=exited + 500,
                 InactiveEnterTimestampMonotonic=exited + 500)
        self._tell_failed()

    def _begin(self, unit: Unit) -> str:
        self._jobs += 1
        job = f"{MANAGER_PATH}/job/{self._jobs}"
        self._bus.spawn(self._run(unit, self._jobs, job), "a job")
        return job

    async def _run(self, unit: Unit, number: int, job: str) -> None:
        await self.start(unit)
        self._bus.emit(MANAGER_PATH, MANAGER, "JobRemoved", "uoss", [number, job, unit.name, "done"])

    def _failed(self) -> list[str]:
        return [unit.name for unit in self.units.values() if unit.properties["ActiveState"] == "failed"]

    def _own(self) -> dict[str, object]:
        return {"SystemState": "degraded" if self._failed() else "running", "UserspaceTimestampMonotonic": 1,
                "NFailedUnits": len(self._failed()), "Version": "252"}

    def _tell_failed(self) -> None:
        changed = {"NFailedUnits": Variant("u", len(self._failed()))}
        self._bus.emit(MANAGER_PATH, PROPERTIES, "PropertiesChanged", "sa{sv}as", [MANAGER, changed, []])


def allow(call: Message) -> Message:
    """polkit's stand-in: yes, without a question."""
    if call.member == "CheckAuthorization":
        return Message.new_method_return(call, "(bba{ss})", [[True, False, {}]])
    return Message.new_error(call, UNKNOWN, f"the stand-in knows no {call.member}")


async def main() -> None:
    bus, polkit = await Bus.connect(), await Bus.connect()
    systemd = Systemd(bus)
    bus.serve(systemd.answer)
    polkit.serve(allow)
    await bus.request_name(SYSTEMD)
    await polkit.request_name(POLKIT)
    await systemd.start(systemd.units[SERVICE])
    print("ready", flush=True)
    await bus.lost.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
