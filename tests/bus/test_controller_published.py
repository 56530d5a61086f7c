"""org.heald.Controller1 as others read it, and the helper as its client sees it, on a private bus."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_next.message import Message
from dbus_next.signature import Variant

from bus.peer import Peer, fails, pair, private_bus, run
from heald.bus import controller1, helper
from heald.bus.connection import Bus
from heald.bus.controller1 import Published, read_published
from heald.bus.helper import HelperClient
from heald.errors import Code
from heald.model import Action, Category, Result

STATE: dict[str, object] = {
    "Version": "0.1.0", "Mode": "auto", "Health": 80, "Limits": {"incidents_left": 9},
    "Issues": [{"id": "1", "value": 91.5, "threshold": 90, "healed": None}],
    "Incidents": [{"id": "1", "actions": [{"operation": "service/start", "result": None}], "next": {"at": "x"},
                   "paused": True, "big": 2**40, "words": ["a", "b"], "none": []}],
    "Paused": [{"subject": "a.service", "until": "2026-01-01T00:00:00Z"}]}
MACHINE_ID = Path("/etc/machine-id").read_text().strip()
READ = {**STATE, "Issues": [{"id": "1", "value": 91.5, "threshold": 90}],
        "Incidents": [{"id": "1", "actions": [{"operation": "service/start"}], "next": {"at": "x"},
                       "paused": True, "big": 2**40, "words": ["a", "b"], "none": []}]}


@pytest.fixture(autouse=True)
def daemon() -> Iterator["subprocess.Popen[bytes]"]:
    with private_bus() as process:
        yield process


async def busctl(address: str, *arguments: str) -> tuple[int, str]:
    """The exit code of a real, foreign client and all it said."""
    process = await asyncio.create_subprocess_exec(
        "busctl", f"--address={address}", *arguments, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT)
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def test_what_the_daemon_knows_is_read_as_it_is_without_nulls() -> None:
    async def story() -> None:
        async with pair() as (bus, _):
            assert "systemctl start heald" in await fails(Code.UNREACHABLE, read_published(bus))
            await Published(bus, lambda: STATE, {}).start()
            reader = await Bus.connect()
            try:
                assert await read_published(reader) == READ
                await fails(Code.BUSY, Published(reader, lambda: STATE, {}).start())
            finally:
                reader.close()
    run(story)


def test_a_foreign_client_finds_reads_and_cannot_write_it() -> None:
    async def story() -> None:
        address = os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
        async with pair() as (bus, _):
            await Published(bus, lambda: STATE, {}).start()
            name, path = controller1.NAME, controller1.PATH
            code, said = await busctl(address, "tree", "--list", name)
            assert (code, path in said.split()) == (0, True)
            code, said = await busctl(address, "introspect", name, path)
            assert code == 0
            assert {line.partition(" ")[0] for line in said.splitlines()} >= {f".{key}" for key in (*STATE, "Changed")}
            code, said = await busctl(address, "--json=short", "get-property", name, path, name, "Health", "Limits")
            assert [json.loads(line)["data"] for line in said.splitlines()] == [80, {"incidents_left": 9}]
            for arguments, error in (
                    (("set-property", name, path, name, "Mode", "s", "x"), "can only be read"),
                    (("get-property", name, path, name, "Nonsense"), "no property Nonsense"),
                    (("call", name, path, name, "Pause"), "Pause takes 'st', not ''"),
                    (("call", name, path, name, "Approve", "s", "1"), "no method org.heald.Controller1.Approve"),
                    (("call", name, path, "org.freedesktop.DBus.Properties", "Get", "s", "x"), "signature 's'"),
                    (("call", name, path, "org.freedesktop.DBus.Properties", "GetAll", "s", "a.b"), "no interface a.b"),
                    (("call", name, "/elsewhere", name, "Pause"), f"try {path}"),
                    (("introspect", name, "/elsewhere"), "")):
                code, said = await busctl(address, *arguments)
                assert code != 0, arguments
                assert error in said
                assert "Traceback" not in said
            code, said = await busctl(address, "call", name, "/", "org.freedesktop.DBus.Peer", "GetMachineId")
            assert MACHINE_ID in said
            assert (await busctl(address, "call", name, "/", "org.freedesktop.DBus.Peer", "Ping"))[0] == 0
    run(story)


def test_a_change_is_told_and_what_was_cached_is_stale() -> None:
    async def story() -> None:
        async with pair() as (bus, _):
            published = Published(bus, lambda: STATE, {})
            await published.start()
            reader, told, stale = await Bus.connect(), asyncio.Queue[Any](), asyncio.Queue[Any]()
            try:
                name, path = controller1.NAME, controller1.PATH
                await reader.watch(name, path, name, "Changed", told.put_nowait)
                await reader.watch(name, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", stale.put_nowait)
                for number in (7, 8, 7):
                    published.changed(number)
                assert [await told.get(), await told.get()] == [["7"], ["8"]]
                assert "Incidents" in (await stale.get())[2]
                assert (told.qsize(), stale.qsize()) == (0, 0)      # of a storm is told once
            finally:
                reader.close()
    run(story)


START = Action(Category.SERVICE, "start", "a.service")


def helped(peer: Peer, **report: str) -> None:
    peer.answer = lambda call: Message.new_method_return(
        call, "a{sv}", [{key: Variant("s", value) for key, value in report.items()}])


def test_the_helpers_report_is_a_result() -> None:
    async def story() -> None:
        async with pair(named=False) as (bus, peer):
            await peer.own(helper.HELPER)
            client = HelperClient(bus)
            helped(peer, state="done", unit="a.service", result="success", before="failed", after="active")
            assert await client.heal(START, wait=27) == Result("done", "failed -> active (success)")
            [call] = [message for message in peer.heard if message.member == "HealService"]
            assert (call.signature, call.body) == ("ssa{sv}", ["start", "a.service", {"wait": 27}])
            helped(peer, state="running", unit="a.service", result="", before="", after="")
            assert await client.heal(Action(Category.SYSTEM, "run", "x")) == Result("running", "")
            assert peer.heard[-1].member == "HealSystem"
    run(story)


def test_a_refusal_or_a_silence_is_a_result_too(daemon: "subprocess.Popen[bytes]") -> None:
    async def story() -> None:
        async with pair(named=False) as (bus, peer):
            client = HelperClient(bus)
            assert (await client.heal(START)).state == "Unreachable"
            await peer.own(helper.HELPER)
            for name, state in (("org.heald.Error.Healthy", "Healthy"), ("org.heald.Error.Protected", "Protected"),
                                ("org.freedesktop.DBus.Error.AccessDenied", "AccessDenied"),
                                ("org.freedesktop.DBus.Error.NoReply", "Timeout")):
                peer.answer = lambda call, name=name: Message.new_error(call, name, "why")  # type: ignore[misc]
                assert await client.heal(START) == Result(state, "why")

            def die(_: Message) -> None:
                daemon.kill()

            peer.answer = die
            assert (await client.heal(START)).state == "Unreachable"
    run(story)


def test_what_the_helper_supports_is_known() -> None:
    async def story() -> None:
        async with pair(named=False) as (bus, peer):
            await peer.own(helper.HELPER)
            peer.answer = lambda call: Message.new_method_return(call, "v", [Variant("as", ["service/start"])])
            assert await HelperClient(bus).operations() == {"service/start"}
    run(story)
