"""One boot of a virtual machine, in which trial.py tries everything; each trial is one test here."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vm import trial

SOURCE = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
KERNEL = SOURCE / "build/vm"
TOOLS = ("qemu-system-x86_64", "cpio", "depmod", "busybox", "apt-get")
SECONDS = 1500


@pytest.fixture(scope="module")
def ends() -> Iterator[dict[str, str]]:
    """Trial -> what went wrong in it, "" where nothing did."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"no virtual machine without {', '.join(missing) or 'root'}")
    subprocess.run(["sh", str(HERE / "kernel.sh"), str(KERNEL)], check=True)
    with tempfile.TemporaryDirectory(prefix="heald-vm-") as work:
        program = "cd /usr/src/heald/tests && exec /usr/bin/python3 -m vm.trial"
        subprocess.run(["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation=private", "--pid", "--fork",
                        "--kill-child=KILL", "sh", str(HERE / "boot.sh"), work, str(KERNEL), str(SOURCE), program],
                       check=False, timeout=SECONDS)
        out = Path(work, "out")
        log = (out / "log").read_text(errors="replace") if (out / "log").exists() else ""
        lines = [json.loads(line) for line in log.splitlines() if line.startswith('{"trial"')]
        said = "\n".join((out / name).read_text(errors="replace")[-1500:] for name in ("install", "console")
                         if (out / name).exists())
        yield {line["trial"]: line["error"] for line in lines} or {"": f"{said}\n{log}"}


@pytest.mark.parametrize("name", [one.__name__ for one in trial.TRIALS])
def test_in_a_virtual_machine(ends: dict[str, str], name: str) -> None:
    assert name in ends, f"it was not tried: {ends.get('', '')}"
    assert ends[name] == ""
