"""Which unit holds most: anonymous memory, or the processors' time. From the control groups, else summed by process.

Paths are those of control groups: slices are opened, a unit's own group is one holder, whatever is below it.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from ..readings import Holder
from ..written import in_one_line

CGROUPS = Path("/sys/fs/cgroup")


def memory(root: Path = CGROUPS) -> dict[str, float]:
    """Bytes of anonymous memory, by the path of the unit's control group."""
    found = _counted(_unified(root), "memory.stat", "anon") or _counted(root / "memory", "memory.stat", "total_rss")
    return found or _by_process(_anonymous)


def cpu(root: Path = CGROUPS) -> dict[str, float]:
    """Microseconds of processor time so far, by the path of the unit's control group."""
    return _counted(_unified(root), "cpu.stat", "usage_usec") or _by_process(lambda p: 1e6 * sum(p.cpu_times()[:2]))


def most(held: Mapping[str, float], before: Mapping[str, float] | None = None) -> Holder | None:
    """Who holds most, or has most more than `before`; None when nobody has anything. Its names may be printed."""
    more = {path: amount - (before or {}).get(path, 0.0) for path, amount in held.items()}
    whole = sum(amount for amount in more.values() if amount > 0)
    if not whole:
        return None
    path = max(more, key=more.__getitem__)
    *slices, unit = path.strip("/").split("/")
    manager = next((part for part in slices if _is_manager(part)), "")
    system = slices[:1] == ["system.slice"] and not manager and unit.endswith(".service")
    return Holder(in_one_line(unit), more[path] / whole, in_one_line(manager), system)


def memory_full_of(units: frozenset[str], root: Path = CGROUPS) -> float:
    """How much of the last 10 s, in per cent, all in these units waited for memory; 0 where the kernel does not say."""
    if not units:
        return 0.0
    return sum(_full(folder / "memory.pressure") for folder in _groups(_unified(root)) if folder.name in units)


def _full(file: Path) -> float:
    try:
        return float(file.read_text("ascii").partition("full avg10=")[2].split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0


def unit_path(cgroup: str) -> str:
    """The part of a control group's path that is a unit's: down to the first that is no slice and no user's manager."""
    parts = cgroup.strip("/").split("/")
    end = next((at for at, part in enumerate(parts) if not _is_opened(part)), len(parts) - 1)
    return "/" + "/".join(parts[:end + 1])


def _is_opened(name: str) -> bool:
    return name.endswith(".slice") or _is_manager(name)


def _is_manager(name: str) -> bool:
    return name.startswith("user@") and name.endswith(".service")


def _groups(folder: Path) -> Iterator[Path]:
    """The control groups of the units below a folder."""
    try:
        inside = [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return                  # it went meanwhile
    for entry in inside:
        if _is_opened(entry.name):
            yield from _groups(Path(entry.path))
        else:
            yield Path(entry.path)


def _unified(root: Path) -> Path:
    """Version 2's hierarchy: all there is, or beside those of version 1."""
    return root / "unified" if (root / "unified").is_dir() else root


def _counted(top: Path, file: str, key: str) -> dict[str, float]:
    """The figure `key` in the file of each unit of a hierarchy; empty where it does not count that."""
    found = {}
    for folder in _groups(top):
        try:
            figures = dict(line.split() for line in (folder / file).read_text("ascii").splitlines())
            found[f"/{folder.relative_to(top)}"] = float(figures[key])
        except (OSError, ValueError, KeyError):
            continue            # it went meanwhile, or does not count
    return found


def _by_process(figure: Callable[[psutil.Process], float]) -> dict[str, float]:
    """The sum over the processes of each unit, for a kernel that does not count by control group."""
    found: dict[str, float] = {}
    for process in psutil.process_iter():
        try:
            path = _of_process(Path(f"/proc/{process.pid}/cgroup").read_text("utf-8", errors="replace"))
            found[path] = found.get(path, 0.0) + figure(process)
        except (OSError, psutil.Error):
            continue            # it ended meanwhile
    return found


def _anonymous(process: psutil.Process) -> int:
    memory = process.memory_info()
    return int(memory.rss - memory.shared)


def _of_process(text: str) -> str:
    """Its unit's path from /proc/PID/cgroup: of systemd's own hierarchy where that is not the unified one."""
    paths = {fields[1]: fields[2] for line in text.splitlines() if len(fields := line.split(":", 2)) == 3}
    return unit_path(paths.get("name=systemd") or paths.get("", "/"))
