"""python-dbusmock template: systemd's manager and its units, as far as heald reads and asks them.

The template that python-dbusmock ships lacks LoadUnit, ResetFailedUnit, ListUnitsFiltered and every unit property.
Only what cannot be produced with a real systemd is tested against it: jobs that never end, and what a test says of a
unit in one line. A unit's properties are all on its Unit interface, those of its own type on that one too; like
systemd, LoadUnit gives every name an object, which for an unknown unit says not-found.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

# None of these has types, and to a type checker the folder dbus/ hides the library.
dbus: Any = import_module("dbus")
dbus_service: Any = import_module("dbus.service")
dbusmock: Any = import_module("dbusmock")
glib: Any = import_module("gi.repository.GLib")

BUS_NAME = "org.freedesktop.systemd1"
MAIN_OBJ = "/org/freedesktop/systemd1"
MAIN_IFACE = "org.freedesktop.systemd1.Manager"
UNIT_IFACE = "org.freedesktop.systemd1.Unit"
SYSTEM_BUS = True

OF_TYPE: dict[str, dict[str, Any]] = {
    "service": {"Result": "success", "PAMName": "", "TTYPath": "", "NRestarts": dbus.UInt32(0), "Type": "simple",
                "ExecMainStatus": dbus.Int32(0), "ExecMainStartTimestampMonotonic": dbus.UInt64(0),
                "ExecMainExitTimestampMonotonic": dbus.UInt64(0), "RuntimeMaxUSec": dbus.UInt64(0)},
    "socket": {"Result": "success", "Accept": False},
    "timer": {"Result": "success"}, "path": {"Result": "success"}, "mount": {"Result": "success"},
}
NAMES = ("Requires", "Requisite", "BindsTo", "Wants", "RequiredBy", "BoundBy", "WantedBy", "ConsistsOf", "TriggeredBy",
         "Conflicts", "ConflictedBy", "DropInPaths")
STAMPS = ("ActiveEnterTimestampMonotonic", "ActiveExitTimestampMonotonic", "InactiveEnterTimestampMonotonic")

Mock = Any
"""dbusmock.DBusMockObject, which every method of a template is given as self."""
Method = TypeVar("Method", bound=Callable[..., Any])


def method(interface: str, takes: str = "", gives: str = "") -> Callable[[Method], Method]:
    """dbus.service.method, with a type."""
    decorate: Callable[[Method], Method] = dbus_service.method(interface, in_signature=takes, out_signature=gives)
    return decorate


def load(mock: Mock, _parameters: object) -> None:
    mock.paths = {}             # unit name -> object path; an alias has its unit's
    mock.ends = {}              # unit Id -> (result of its next jobs, ActiveState after them)
    mock.jobs = {}              # unit Id -> its job that does not end by itself
    mock.last_job = 0
    mock.AddProperties(MAIN_IFACE, {"Version": "252", "SystemState": "running", "NFailedUnits": dbus.UInt32(0),
                                    "UserspaceTimestampMonotonic": dbus.UInt64(1)})


def unit_path(name: str) -> str:
    """As sd-bus escapes it: every byte but ASCII letters and digits as _xx, a digit in front too."""
    return f"{MAIN_OBJ}/unit/" + "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 and (at or not chr(byte).isdigit()) else f"_{byte:02x}"
        for at, byte in enumerate(name.encode()))


def add(mock: Mock, name: str, given: dict[str, Any]) -> str:
    """An object for the unit. What is not given is as of a healthy, active unit that the distribution installed."""
    own = OF_TYPE.get(name.rpartition(".")[2], {})
    properties = {
        "Id": name, "Names": [name], "LoadState": "loaded", "ActiveState": "active", "SubState": "running",
        "FragmentPath": f"/usr/lib/systemd/system/{name}", "UnitFileState": "static", "Transient": False,
        "FailureAction": "none", "SuccessAction": "none", "StartLimitAction": "none", "JobTimeoutAction": "none",
        "RefuseManualStart": False, "RefuseManualStop": False,
        "CanStart": True, "NeedDaemonReload": False,
        "ConditionResult": True, "ConditionTimestampMonotonic": dbus.UInt64(1),
        "InvocationID": dbus.ByteArray(bytes(16)),
        "Job": dbus.Struct((dbus.UInt32(0), dbus.ObjectPath("/")), signature="uo"),
        **dict.fromkeys(NAMES, dbus.Array([], signature="s")), **dict.fromkeys(STAMPS, dbus.UInt64(0)),
        **own, **given}
    path = unit_path(str(properties["Id"]))
    if path in dbusmock.mockobject.objects:
        mock.RemoveObject(path)
    mock.AddObject(path, UNIT_IFACE, properties, [])
    kind = f"{BUS_NAME}.{name.rpartition('.')[2].capitalize()}"
    dbusmock.mockobject.objects[path].AddProperties(kind, {key: properties[key] for key in own})
    mock.paths |= {str(alias): path for alias in properties["Names"]}
    return path


def unit(mock: Mock, name: str) -> Mock:
    """The object of a loaded unit."""
    if name not in mock.paths:
        raise dbus.exceptions.DBusException(f"Unit {name} not loaded.", name=f"{BUS_NAME}.NoSuchUnit")
    return dbusmock.mockobject.objects[mock.paths[name]]


def failed(mock: Mock) -> list[Mock]:
    return [found for path in sorted(set(mock.paths.values()))
            if (found := dbusmock.mockobject.objects[path]).props[UNIT_IFACE]["ActiveState"] == "failed"]


def update(mock: Mock, name: str, changed: dict[str, Any]) -> None:
    """Changes properties of a unit. A change of the number of failed ones is told, as systemd does."""
    unit(mock, name).UpdateProperties(UNIT_IFACE, changed)
    kind = f"{BUS_NAME}.{name.rpartition('.')[2].capitalize()}"
    own = {key: value for key, value in changed.items() if key in OF_TYPE.get(name.rpartition(".")[2], {})}
    if own:
        unit(mock, name).UpdateProperties(kind, own)
    count = dbus.UInt32(len(failed(mock)))
    if count != mock.props[MAIN_IFACE]["NFailedUnits"]:
        mock.UpdateProperties(MAIN_IFACE, {"NFailedUnits": count})


def begin(mock: Mock, name: str) -> str:
    """A job. It ends as SetJob said (done, and the unit is active), after the answer that names it."""
    mock.last_job += 1
    path = f"{MAIN_OBJ}/job/{mock.last_job}"
    mock.jobs[name] = (mock.last_job, path)
    unit(mock, name).props[UNIT_IFACE]["InvocationID"] = dbus.ByteArray(mock.last_job.to_bytes(16, "big"))
    result, state = mock.ends.get(name, ("done", "active"))
    if result:
        glib.idle_add(end, mock, name, result, state)
    return path


def end(mock: Mock, name: str, result: str, state: str) -> None:
    number, path = mock.jobs.pop(name)
    update(mock, name, {"ActiveState": state})
    mock.EmitSignal(MAIN_IFACE, "JobRemoved", "uoss", [dbus.UInt32(number), path, name, result])


@method(MAIN_IFACE)
def Subscribe(_self: Mock) -> None:  # noqa: N802  systemd's own names, here and below
    """Every signal is sent anyway."""


@method(MAIN_IFACE, "s", "o")
def LoadUnit(self: Mock, name: str) -> str:  # noqa: N802
    found: str = self.paths.get(name) or add(self, str(name), {
        "LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead", "FragmentPath": ""})
    return found


@method(MAIN_IFACE, "s", "o")
def GetUnit(self: Mock, name: str) -> str:  # noqa: N802
    return str(unit(self, name).path)


def rows(paths: set[str]) -> list[tuple[Any, ...]]:
    """These units as a list call shows them."""
    found = [(path, dbusmock.mockobject.objects[path].props[UNIT_IFACE]) for path in sorted(paths)]
    return [(of["Id"], of["Id"], of["LoadState"], of["ActiveState"], of["SubState"], "", path, dbus.UInt32(0), "", "/")
            for path, of in found]


@method(MAIN_IFACE, "as", "a(ssssssouso)")
def ListUnitsFiltered(self: Mock, states: list[str]) -> list[tuple[Any, ...]]:  # noqa: N802
    return [row for row in rows(set(self.paths.values())) if {row[3], row[4]} & set(states)]


@method(MAIN_IFACE, "as", "a(ssssssouso)")
def ListUnitsByNames(self: Mock, names: list[str]) -> list[tuple[Any, ...]]:  # noqa: N802
    return rows({LoadUnit(self, name) for name in names})


@method(MAIN_IFACE, "s")
def ResetFailedUnit(self: Mock, name: str) -> None:  # noqa: N802
    update(self, name, {"ActiveState": "inactive", "SubState": "dead", "Result": "success"})


@method(MAIN_IFACE, "ss", "o")
def StartUnit(self: Mock, name: str, _mode: str) -> str:  # noqa: N802
    return begin(self, str(unit(self, name).props[UNIT_IFACE]["Id"]))


@method(MAIN_IFACE, "ss", "o")
def TryRestartUnit(self: Mock, name: str, mode: str) -> str:  # noqa: N802
    return StartUnit(self, name, mode)


@method(MAIN_IFACE, "ss", "o")
def ReloadUnit(self: Mock, name: str, mode: str) -> str:  # noqa: N802
    return StartUnit(self, name, mode)


@method(dbusmock.MOCK_IFACE, "sa{sv}")
def AddUnit(self: Mock, name: str, properties: dict[str, Any]) -> None:  # noqa: N802
    """A unit with these properties."""
    add(self, str(name), dict(properties))
    update(self, str(properties.get("Id", name)), {})


@method(dbusmock.MOCK_IFACE, "sa{sv}")
def UpdateUnit(self: Mock, name: str, properties: dict[str, Any]) -> None:  # noqa: N802
    """A unit's properties change."""
    update(self, str(name), dict(properties))


@method(dbusmock.MOCK_IFACE, "sss")
def SetJob(self: Mock, name: str, result: str, state: str) -> None:  # noqa: N802
    """How the unit's jobs end from now on, and its ActiveState then. Result "": not by themselves, see EndJob."""
    self.ends[str(name)] = (str(result), str(state))


@method(dbusmock.MOCK_IFACE, "s", "o")
def JobOf(self: Mock, name: str) -> str:  # noqa: N802
    """The path of the unit's job that has not ended."""
    return str(self.jobs[name][1])


@method(dbusmock.MOCK_IFACE, "sss")
def EndJob(self: Mock, name: str, result: str, state: str) -> None:  # noqa: N802
    """Ends the unit's job."""
    end(self, str(name), str(result), str(state))
