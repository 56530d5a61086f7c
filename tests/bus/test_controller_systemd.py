"""What the controller reads of a real systemd, over the system bus of a booted machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from heald.bus.connection import Bus
from heald.bus.login1 import Login
from heald.bus.systemd import Manager, unit_path
from heald.readings import Unit
from heald.sensors.units import Units
from machine.machine import CannotBootError, Machine

SLEEPS = "[Service]\nExecStart=/bin/sleep 1000\n"
UNITS = {
    "plain.service": SLEEPS,
    "needed.service": SLEEPS,
    "odd.service": "[Service]\nType=oneshot\nRuntimeMaxSec=infinity\nExecStart=/bin/sh -c 'exit 7'\n",
    "limit.service": "[Service]\nExecStart=/bin/sleep 1000\nRuntimeMaxSec=90\n",
    "many@.service": "[Service]\nExecStart=/bin/false\n",
    "tick.timer": "[Timer]\nOnActiveSec=1h\nUnit=odd.service\n",
    "needs.service": f"[Unit]\nBindsTo=needed.service\n{SLEEPS}",
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A booted machine with UNITS; multi-user.target requires needs.service, and by it needed.service."""
    try:
        with Machine.boot() as booted:
            for name, text in UNITS.items():
                booted.write(f"/run/systemd/system/{name}", text)
            booted.run("mkdir", "/run/systemd/system/multi-user.target.requires")
            booted.run("ln", "-s", "../needs.service", "/run/systemd/system/multi-user.target.requires/")
            booted.run("systemctl", "daemon-reload")
            yield booted
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")


@pytest.fixture(autouse=True)
def fresh(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is failed, plain and needed run, and the machine's bus is the system bus of the test."""
    machine.run("systemctl", "stop", "many@*.service", "limit.service")
    machine.run("systemctl", "reset-failed")
    machine.run("systemctl", "start", "plain.service", "needed.service", "needs.service", "tick.timer")
    socket = f"/proc/{machine.leader}/root/run/dbus/system_bus_socket"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={socket}")


class Woken:
    """Counts wakes and lets a test wait for the next."""

    def __init__(self) -> None:
        self.count = 0
        self._event = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._event.set()

    async def next(self) -> None:
        await self._event.wait()
        self._event.clear()


@asynccontextmanager
async def manager() -> AsyncIterator[tuple[Bus, Manager]]:
    bus = await Bus.connect()
    try:
        yield bus, Manager(bus)
    finally:
        bus.close()


def run(story: Callable[[Bus, Manager], Awaitable[None]]) -> None:
    async def connected() -> None:
        async with asyncio.timeout(60), manager() as (bus, systemd):
            await story(bus, systemd)
    asyncio.run(connected())


async def unit(systemd: Manager, name: str) -> Unit:
    found = await systemd.unit(name)
    assert found is not None
    return found


def kill(machine: Machine, name: str) -> None:
    machine.run("systemctl", "kill", "--signal=KILL", name)


def test_a_failure_wakes_and_healthy_units_that_come_and_go_do_not(machine: Machine) -> None:
    async def story(bus: Bus, systemd: Manager) -> None:
        woken, failed = Woken(), Woken()
        await systemd.subscribe(woken, failed)
        for _ in range(3):
            machine.run("systemctl", "restart", "plain.service")
        assert await systemd.failing() == {}         # all signals that were sent before this answer have come
        await asyncio.sleep(0)
        assert woken.count == 0
        kill(machine, "plain.service")
        await woken.next()
        assert list(await systemd.failing()) == ["plain.service"]
        assert failed.count == 1
        machine.run("systemctl", "start", "plain.service")
        await woken.next()
        assert await systemd.failing() == {}
        assert failed.count == 1                     # it recovered: nobody need be roused
    run(story)


def test_a_failure_wakes_also_after_systemd_was_replaced(machine: Machine) -> None:
    async def story(bus: Bus, systemd: Manager) -> None:
        woken, owners = Woken(), asyncio.Queue[str]()
        await systemd.subscribe(woken)
        bus.on_owner("org.freedesktop.systemd1", owners.put_nowait)
        machine.run("systemctl", "daemon-reexec")
        while not await owners.get():
            continue
        await woken.next()
        kill(machine, "plain.service")
        while list(await systemd.failing()) != ["plain.service"]:
            await woken.next()
    run(story)


def test_all_that_a_unit_is(machine: Machine) -> None:
    async def story(bus: Bus, systemd: Manager) -> None:
        woken = Woken()
        await systemd.subscribe(woken)
        machine.run("systemctl", "start", "odd.service", check=False)
        kill(machine, "plain.service")
        while len(await systemd.failing()) < 2:
            await woken.next()
        odd = await unit(systemd, "odd.service")
        assert (odd.active_state, odd.sub_state, odd.result, odd.exec_main_status) == (
            "failed", "failed", "exit-code", 7)
        assert (odd.service_type, odd.triggered_by, odd.runtime_max) == ("oneshot", ("tick.timer",), 0)
        crashed = await unit(systemd, "plain.service")
        assert (crashed.load_state, crashed.result, crashed.service_type) == ("loaded", "signal", "simple")
        assert crashed.main_start < crashed.main_exit <= crashed.active_exit <= crashed.inactive_enter
        assert (len(crashed.invocation), crashed.job, crashed.needed) == (32, 0, False)
        assert (await unit(systemd, "limit.service")).runtime_max == 90_000_000
        assert (await unit(systemd, "dbus.service")).files > 0
    run(story)


def test_what_default_target_requires_in_the_end_is_needed(machine: Machine) -> None:
    async def story(bus: Bus, systemd: Manager) -> None:
        await systemd.subscribe(lambda: None)
        assert (await unit(systemd, "needed.service")).needed
        assert not (await unit(systemd, "plain.service")).needed
        machine.run("mv", "/run/systemd/system/multi-user.target.requires", "/run/aside")
        try:
            machine.run("systemctl", "daemon-reload")
            assert not (await unit(systemd, "needed.service")).needed
        finally:
            machine.run("mv", "/run/aside", "/run/systemd/system/multi-user.target.requires")
            machine.run("systemctl", "daemon-reload")
        assert (await unit(systemd, "needed.service")).needed
    run(story)


@pytest.mark.parametrize("name", ["no-such.service", "bad name", "", "x", "a/b.service", "Ünit.service", "x" * 300])
def test_a_unit_that_is_not_there_is_none(name: str) -> None:
    async def story(_: Bus, systemd: Manager) -> None:
        assert await systemd.unit(name) is None
    run(story)


def test_the_path_of_a_unit_is_systemds_own() -> None:
    async def story(bus: Bus, _: Manager) -> None:
        for name in ("dbus.service", "-.mount", "many@a\\x2db.service", "1st.target", "a:b_c.service"):
            [path] = await bus.call("org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                    "org.freedesktop.systemd1.Manager", "LoadUnit", "s", [name])
            assert unit_path(name) == path
    run(story)


def test_hundreds_of_failed_units_are_read(machine: Machine) -> None:
    async def story(_: Bus, systemd: Manager) -> None:
        woken = Woken()
        await systemd.subscribe(woken)
        machine.run("systemctl", "start", *(f"many@{at}.service" for at in range(300)), check=False)
        while len(await systemd.failing()) < 300:
            await woken.next()
        units = Units(systemd)
        found = await units.read(await units.listed(["plain.service"]))
        assert [unit.active_state for unit in found] == ["failed"] * 300 + ["active"]
    run(story)


def test_the_state_of_the_machine(machine: Machine) -> None:
    async def story(_: Bus, systemd: Manager) -> None:
        state, up = await systemd.state()
        assert state == machine.run("systemctl", "is-system-running", check=False).stdout.strip()
        stamp = machine.run("systemctl", "show", "-PUserspaceTimestampMonotonic").stdout
        started = int(stamp) / 1e6
        with open("/proc/uptime") as uptime:        # noqa: ASYNC230  never blocks
            assert up + started <= float(uptime.read().split()[0]) + 0.01
        assert up > 0
    run(story)


def test_a_machine_with_and_without_logind(machine: Machine) -> None:
    async def story(bus: Bus, _: Manager) -> None:
        for verb in ("restart", "stop"):
            machine.run("systemctl", verb, "systemd-logind.service")
            login = Login(bus, lambda: None)
            await login.start()
            assert (login.shutting_down, login.sleeping, login.woke) == (False, False, None)
        assert machine.run("systemctl", "is-active", "systemd-logind.service", check=False).stdout == "inactive\n"
    run(story)
