"""Makes memory short for real, for everyone who looks at the kernel's pressure figures: they are the host's."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from machine.product import wait_until

TOP = Path("/sys/fs/cgroup")
LIMIT = str(20 << 20)
READERS = 3
THRASH = 'echo $$ > "$1/cgroup.procs"; head -c 100M /dev/zero > "$2"; while :; do cat "$2" > /dev/null; done'


@contextmanager
def memory_short(folder: Path) -> Iterator[None]:
    """While it lasts, processes that may have 20 MiB read files of 100 MB in `folder`, again and again."""
    legacy = (TOP / "memory/memory.limit_in_bytes").exists()
    group = TOP / ("memory" if legacy else "") / f"heald-{folder.name}"
    group.mkdir()
    (group / ("memory.limit_in_bytes" if legacy else "memory.max")).write_text(LIMIT)
    command = ("sh", "-c", THRASH, "sh", str(group))
    readers = [subprocess.Popen([*command, str(folder / str(n))], start_new_session=True) for n in range(READERS)]
    try:
        yield
    finally:
        for reader in readers:
            os.killpg(reader.pid, signal.SIGKILL)
            reader.wait()
        wait_until(lambda: not (group / "cgroup.procs").read_text(), "its processes are gone")
        group.rmdir()
