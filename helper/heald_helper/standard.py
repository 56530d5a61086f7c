"""What every object on a bus answers: Introspectable, Properties and Peer."""

from collections.abc import Callable, Coroutine
from typing import Any

from . import __version__, contract
from .contract import RefusedError
from .loop import Task
from .wire import Call, Variant


class Standard:
    """Ours, with the two properties; `supported` finds out what this machine can do."""

    def __init__(self, supported: Callable[[], Coroutine[Any, Any, list[str]]]) -> None:
        self._supported = supported
        self._properties: Task[dict[str, Variant]] | None = None    # constant: a helper that leaves forgets them

    async def answer(self, call: Call) -> None:
        """One call; RefusedError where there is no such object, method or property."""
        xml = contract.introspection(call.path)
        match call.interface.rpartition(".")[2], call.member, call.signature, call.body:
            case "Introspectable", "Introspect", "", _ if xml:
                call.reply("s", xml)
            case "Peer", "Ping", "", _:
                call.reply("")
            case "Properties", "Get", "ss", [_, name] if call.path == contract.PATH:
                known = await self._constants()
                if name not in known:
                    raise RefusedError("UnknownProperty", "there is no such property")
                call.reply("v", known[name])
            case "Properties", "GetAll", "s", _ if call.path == contract.PATH:
                call.reply("a{sv}", await self._constants())
            case "Properties", "Set", "ssv", _ if call.path == contract.PATH:
                raise RefusedError("PropertyReadOnly", "every property is read-only")
            case _ if xml is None:
                raise RefusedError("UnknownObject", f"there is only {contract.PATH}")
            case _:
                raise RefusedError("UnknownMethod", "there is no such method: see busctl introspect")

    async def _constants(self) -> dict[str, Variant]:
        """Found out once, for all who ask meanwhile; where that failed, the next asks again."""
        if self._properties is None:
            self._properties = Task(self._find())
        try:
            return await self._properties
        except Exception:
            self._properties = None
            raise

    async def _find(self) -> dict[str, Variant]:
        return {"Version": Variant("s", __version__), "Operations": Variant("as", await self._supported())}
