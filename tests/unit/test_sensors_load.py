"""Memory, processors, pressure and who holds most, on files as kernels write them, and on this machine's own."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from heald.readings import Holder
from heald.sensors import container, holders, load, temperature
from heald.sensors.load import LoadSensor

PSI = """\
some avg10=40.61 avg60=11.78 avg300=7.98 total=270665719
full avg10=3.50 avg60=1.20 avg300=0.49 total=16296213
"""
V2 = "anon {}\nfile 4096\nkernel_stack 16384\nshmem 0\ninactive_anon 7\n"
V1 = "cache 4096\nrss 7\ninactive_anon 8\nhierarchical_memory_limit 9223372036854771712\ntotal_rss {}\n"


def tree(root: Path, file: str, text: str, **held: int) -> None:
    """Control groups by their paths, "_" for "/", each with its figure in `text`."""
    for path, amount in held.items():
        folder = root / NAMES[path]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text.format(amount))


NAMES = {
    "db": "system.slice/db.service", "web": "system.slice/system-web.slice/web@1.service",
    "docker": "system.slice/docker-abc.scope", "init": "init.scope",
    "fox": "user.slice/user-1000.slice/user@1000.service/app.slice/firefox.service",
    "session": "user.slice/user-1000.slice/session-1.scope", "inner": "system.slice/db.service/worker",
}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sensors read, wherever these tests run."""
    monkeypatch.setattr(load, "in_container", lambda: False)
    monkeypatch.setattr(temperature, "in_container", lambda: False)


def test_pressure_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text(PSI)
    assert load.pressure("memory", "full avg10", tmp_path) == 3.5
    assert load.pressure("memory", "some avg60", tmp_path) == 11.78
    (tmp_path / "cpu").write_text(PSI.splitlines()[0] + "\n")       # before 5.13: no line for full
    assert load.pressure("cpu", "full avg10", tmp_path) is None
    assert load.pressure("io", "full avg10", tmp_path) is None      # a kernel without it


def test_the_holder_is_the_unit_and_not_a_group_below_it_nor_a_slice_above(tmp_path: Path) -> None:
    tree(tmp_path, "memory.stat", V2, db=300, web=500, docker=100, init=50, session=50, inner=290)
    held = holders.memory(tmp_path)
    assert held["/system.slice/db.service"] == 300
    assert sum(held.values()) == 1000
    assert holders.most(held) == Holder("web@1.service", 0.5, system=True)


def test_what_belongs_to_a_persons_manager_is_named_with_it_and_is_not_the_systems(tmp_path: Path) -> None:
    tree(tmp_path, "memory.stat", V2, db=300, fox=700)
    assert holders.most(holders.memory(tmp_path)) == Holder("firefox.service", 0.7, "user@1000.service", system=False)


def test_what_a_person_calls_a_group_of_theirs_moves_no_cursor_and_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "user.slice/user-1000.slice/user@\x9b.service" / os.fsdecode(b"\xff\x1b[2J\\x2d.service")
    folder.mkdir(parents=True)
    (folder / "memory.stat").write_text(V2.format(7))
    assert holders.most(holders.memory(tmp_path)) == Holder(
        r"\xff\x1b[2J\x2d.service", 1.0, r"user@\x9b.service", system=False)


@pytest.mark.parametrize("other", ["docker", "init", "session"])
def test_only_a_service_of_the_system_may_be_limited(tmp_path: Path, other: str) -> None:
    tree(tmp_path, "memory.stat", V2, db=1, **{other: 99})
    holder = holders.most(holders.memory(tmp_path))
    assert holder is not None
    assert (holder.unit, holder.system) == (NAMES[other].rpartition("/")[2], False)


def test_version_1_counts_what_is_below_a_group_too(tmp_path: Path) -> None:
    tree(tmp_path / "memory", "memory.stat", V1, db=300, web=100)
    (tmp_path / "unified/system.slice/db.service").mkdir(parents=True)     # beside it, and without memory
    assert holders.memory(tmp_path) == {"/system.slice/db.service": 300, "/system.slice/system-web.slice/web@1.service":
                                        100}


def test_processor_time_is_that_of_the_unified_hierarchy_also_beside_version_1(tmp_path: Path) -> None:
    tree(tmp_path / "unified", "cpu.stat", "usage_usec {}\nuser_usec 1\nsystem_usec 2\n", db=5, fox=9)
    tree(tmp_path / "cpu", "cpu.stat", "nr_periods 0\nnr_throttled {}\n", db=0)
    (tmp_path / "unified/cpu.stat").write_text("usage_usec 100\n")
    before = holders.cpu(tmp_path)
    tree(tmp_path / "unified", "cpu.stat", "usage_usec {}\nuser_usec 1\nsystem_usec 2\n", db=8, fox=10)
    assert holders.most(holders.cpu(tmp_path), before) == Holder("db.service", 0.75, system=True)


def test_a_unit_that_is_gone_and_one_that_is_new_are_counted_as_what_they_had() -> None:
    assert holders.most({"/system.slice/new.service": 4}, {"/system.slice/old.service": 90}) == Holder(
        "new.service", 1.0, system=True)
    assert holders.most({"/a": 5.0}, {"/a": 5.0}) is None
    assert holders.most({}) is None


def test_without_figures_by_group_processes_are_summed_by_their_unit(tmp_path: Path) -> None:
    mine = holders.unit_path(Path("/proc/self/cgroup").read_text().splitlines()[-1].split(":", 2)[2])
    assert holders.memory(tmp_path)[mine] > 1 << 20
    assert holders.cpu(tmp_path)[mine] > 0


@pytest.mark.parametrize(("path", "unit"), [
    ("/system.slice/db.service", "/system.slice/db.service"),
    ("/system.slice/db.service/worker/1", "/system.slice/db.service"),
    ("/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope/x",
     "/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope"),
    ("/user.slice/user-1000.slice/user@1000.service/init.scope",
     "/user.slice/user-1000.slice/user@1000.service/init.scope"),
    ("/machine.slice/systemd-nspawn@a.service/payload/system.slice/db.service",
     "/machine.slice/systemd-nspawn@a.service"),
    ("/", "/"), ("/system.slice", "/system.slice"),
])
def test_a_control_groups_path_is_cut_at_its_unit(path: str, unit: str) -> None:
    assert holders.unit_path(path) == unit


@pytest.mark.parametrize(("text", "path"), [
    ("0::/system.slice/a.service\n", "/system.slice/a.service"),
    ("9:name=systemd:/system.slice/a.service\n4:memory:/x\n0::/\n", "/system.slice/a.service"),
    ("4:cpu,cpuacct:/x\n1:name=systemd:/a:b.service\n", "/a:b.service"),
])
def test_a_processs_unit_is_systemds_word(text: str, path: str) -> None:
    assert holders._of_process(text) == path


def test_the_pressure_of_what_heald_limited_is_read_for_these_units_alone(tmp_path: Path) -> None:
    tree(tmp_path, "memory.pressure", PSI, db=0, web=0, fox=0)
    assert holders.memory_full_of(frozenset({"db.service"}), tmp_path) == 3.5
    assert holders.memory_full_of(frozenset({"db.service", "web@1.service", "gone.service"}), tmp_path) == 7
    assert holders.memory_full_of(frozenset(), tmp_path) == 0


@pytest.mark.usefixtures("machine")
def test_the_pressure_of_what_heald_limited_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"memory": 30.0, "io": 4.0, "cpu": 5.0}
    monkeypatch.setattr(load, "pressure", lambda resource, _: figures[resource])
    monkeypatch.setattr(holders, "memory_full_of", lambda units: 28.0 if units == {"db.service"} else 0.0)
    [free] = asyncio.run(LoadSensor().read())
    [limited] = asyncio.run(LoadSensor().read(["db.service"]))
    assert (free.memory_full, limited.memory_full) == (30, 2)
    figures["memory"] = 10.0
    [limited] = asyncio.run(LoadSensor().read(["db.service"]))
    assert limited.memory_full == 0


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("used", "full", "asked"), [(40.0, 0.0, False), (60.0, 0.0, True), (40.0, 0.1, True),
                                                     (60.0, None, True), (40.0, None, False)])
def test_who_holds_memory_is_asked_only_where_it_may_matter(
        used: float, full: float | None, asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = psutil.virtual_memory()._replace(percent=used)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: whole)
    monkeypatch.setattr(load, "pressure", lambda resource, _: full if resource == "memory" else None)
    monkeypatch.setattr(holders, "memory", lambda: {"/system.slice/db.service": 1.0})
    [found] = asyncio.run(LoadSensor().read())
    assert (found.memory_holder is not None) is asked


@pytest.mark.usefixtures("machine")
def test_this_machine_is_read() -> None:
    [found] = asyncio.run(LoadSensor().read())
    assert found.available == pytest.approx(100 - psutil.virtual_memory().percent, abs=20)
    assert 0 <= found.per_core < 1000
    assert (found.memory_full is None) == (not Path("/proc/pressure/memory").exists())


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[float, float]]]:
    """What the processors say, reading by reading: seconds busy, seconds in all."""
    said: list[tuple[float, float]] = []
    monkeypatch.setattr(load, "processors", lambda: said.pop(0))
    monkeypatch.setattr(load, "SAMPLE", 0)
    yield said
    assert not said


@pytest.mark.usefixtures("machine")
def test_processors_are_reckoned_over_ten_seconds_or_more(times: list[tuple[float, float]],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(load, "pressure", lambda *_: None)
    sensor = LoadSensor()
    times += [(100, 1000), (115, 1030), (116, 1031), (121, 1045)]
    assert [asyncio.run(sensor.read())[0].cpu for _ in range(4)] == [None, 50, 50, 40]


@pytest.mark.usefixtures("machine")
def test_a_first_look_at_busy_processors_takes_a_sample(times: list[tuple[float, float]],
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "getloadavg", lambda: (1000.0, 0.0, 0.0))
    used = [{"/system.slice/a.service": 1.0}, {"/system.slice/a.service": 9.0}]
    monkeypatch.setattr(holders, "cpu", lambda: used.pop(0))
    times += [(100, 1000), (100.2, 1000.25)]
    [found] = asyncio.run(LoadSensor().read())
    assert found.cpu == pytest.approx(80)
    assert found.cpu_holder == Holder("a.service", 1.0, system=True)


@pytest.mark.parametrize("mark", ["run/systemd/container", "run/host/container-manager", "run/.containerenv",
                                  ".dockerenv"])
def test_in_a_container_nothing_is_read(tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not container.in_container(tmp_path)
    (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).touch()
    assert container.in_container(tmp_path)
    monkeypatch.setattr(load, "in_container", lambda: True)
    monkeypatch.setattr(temperature, "in_container", lambda: True)
    assert asyncio.run(LoadSensor().read()) == ()
    assert temperature.read() == ()


@pytest.mark.usefixtures("machine")
def test_temperatures_that_can_be_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    def sensor(label: str, current: float, critical: float | None) -> tuple[str, float, float | None, float | None]:
        return label, current, None, critical
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: {
        "coretemp": [sensor("Core 0", 45, 100), sensor("Core 1", 46, None)],
        "acpitz": [sensor("", 30, 39.9), sensor("", 31, 150.1), sensor("", 32, 105), sensor("", 33, 40)],
        "nvme": [sensor("Composite", 38, 84.8), sensor("Composite", 39, 65261.8)],
    })
    assert [(one.sensor, one.celsius, one.critical) for one in temperature.read()] == [
        ("acpitz 3", 32, 105), ("acpitz 4", 33, 40), ("coretemp Core 0", 45, 100), ("nvme Composite", 38, 84.8)]


def test_guests_time_is_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = psutil.cpu_times()
    ticks = type(ticks)(*[0.0] * len(ticks))._replace(user=10, idle=25, iowait=5, guest=8)
    monkeypatch.setattr(psutil, "cpu_times", lambda: ticks)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 2)
    assert load.processors() == (5, 20)
