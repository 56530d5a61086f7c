"""`healctl` in a machine, as a person runs it."""

import json
from subprocess import CompletedProcess
from typing import Any

from machine import product
from machine.machine import Machine


def healctl(machine: Machine, *words: str, user: str | None = None, **environment: str) -> CompletedProcess[str]:
    """Runs the command; whatever it says, it says in lines for people."""
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/root" if user is None else "/tmp", **environment}
    done = machine.run("healctl", *words, user=user, check=False, env=env)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def document(done: CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["version"] == 1
    return found


def break_unit(machine: Machine, name: str) -> None:
    product.add_service(machine, name)
    product.kill(machine, name)
