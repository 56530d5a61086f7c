"""What the helper says of this machine: found out once, and never less because systemd was silent."""

from typing import Any

import pytest

from heald_helper import operations
from heald_helper.contract import PATH, RefusedError
from heald_helper.loop import Task, run, turn, wait
from heald_helper.settings import Settings
from heald_helper.standard import Standard


class Asked:
    """A call of Properties.GetAll, and what it was answered."""

    interface, member, signature, path, body = "org.freedesktop.DBus.Properties", "GetAll", "s", PATH, ("",)

    def __init__(self) -> None:
        self.answer: Any = None

    def reply(self, _signature: str, properties: dict[str, Any]) -> None:
        self.answer = properties["Operations"].value


class SilentManager:
    """A systemd that does not answer."""

    async def unit(self, _name: str) -> None:
        raise RefusedError("Timeout", "systemd did not answer")


def test_silence_is_no_no() -> None:
    with pytest.raises(RefusedError, match="did not answer"):
        run(operations.supported(SilentManager(), Settings(), None))      # type: ignore[arg-type]


def test_it_is_found_out_once_for_all_who_ask_and_anew_where_that_failed() -> None:
    found = [["system/trim"], RefusedError("Timeout", "")]
    times = 0

    async def supported() -> Any:
        nonlocal times
        times += 1
        await turn()
        answer = found.pop()
        if isinstance(answer, RefusedError):
            raise answer
        return answer

    async def main() -> tuple[list[Any], list[Any]]:
        standard, calls = Standard(supported), [Asked() for _ in range(8)]
        first = [Task(standard.answer(call)) for call in calls]             # type: ignore[arg-type]
        await wait(*first)
        for task in first:
            with pytest.raises(RefusedError):
                task.result()
        later = [Task(standard.answer(call)) for call in calls]             # type: ignore[arg-type]
        await wait(*later)
        return [call.answer for call in calls], [task.result() for task in later]

    assert run(main())[0] == [["system/trim"]] * 8
    assert times == 2
