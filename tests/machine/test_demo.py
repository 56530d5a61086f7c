"""`make demo`, in a machine of its own and, where none can be booted, with stand-ins: the three faults are healed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo import private

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.long
@pytest.mark.parametrize("command", [
    pytest.param([sys.executable, "-m", "demo", "--json"], id="booted"),
    pytest.param(private.command(as_json=True), id="with-stand-ins"),
])
def test_all_three_faults_are_healed(command: list[str]) -> None:
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True,
                          check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["faults"] if isinstance(told, dict) else told) == 3, told
