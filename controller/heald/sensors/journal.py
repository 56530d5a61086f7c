"""What the journal says of a unit. journalctl reads it; it never raises: no journal is no reason not to heal."""

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import suppress

SECONDS = 5.0               # for one journalctl; it is killed when it takes longer
LINE = 500                  # characters kept of a line
JOBS = 20                   # messages looked at for each unit: a run has few
UNITS = 50                  # asked about at once: journalctl's time grows by their square
_JOB_TYPES = ("start", "stop", "restart", "try-restart", "reload", "reload-or-start", "verify-active", "nop")


async def last_lines(unit: str, count: int = 20, *, until: float, user: bool = False) -> list[str]:
    """The newest `count` lines of a unit, oldest first, each with a short stamp; [] when there are none to be had.

    `until`: seconds since the epoch; later ones do not count.
    """
    which = f"--user-unit={unit}" if user else f"--unit={unit}"
    text = await _journalctl("--output=short", "--no-hostname", f"--lines={count}",
                             f"--until=@{until:.6f}", which)
    return [line[:LINE] for line in text.splitlines()[-count:]] if count else []


async def newest_line(unit: str, since: float) -> str:
    """The last line that a system unit's own processes wrote since then (seconds since the epoch); "" = none, or not
    for us to read."""
    text = await _journalctl("--output=cat", "--lines=1", "--reverse", f"--since=@{since:.3f}", f"_SYSTEMD_UNIT={unit}")
    return text.strip()


async def newest_jobs(units: Mapping[str, str], *, user: bool = False) -> dict[str, str]:
    """JOB_TYPE of systemd's newest message about a job of each unit: "stop", "start", "restart", …; one whose is
    unknown is left out. A process for each UNITS of them.

    `units`: the InvocationID of each (hexadecimal), of which run alone the jobs count; "" = of all. Only messages of
    pid 1, or of the `user`'s own systemd, count: anyone may log a UNIT=.
    """
    prefix = "USER_" if user else ""
    says = [f"_UID={os.getuid()}", "_SYSTEMD_USER_UNIT=init.scope"] if user else ["_PID=1"]
    types = [f"JOB_TYPE={job}" for job in _JOB_TYPES]
    newest: dict[str, str] = {}
    for at in range(0, len(units), UNITS):
        matches: list[str] = []
        for unit, invocation in list(units.items())[at:at + UNITS]:
            run = [f"{prefix}INVOCATION_ID={invocation}"] if invocation else []
            matches += ["+", *says, f"{prefix}UNIT={unit}", *run, *types]
        found = await entries(f"--output-fields={prefix}UNIT,JOB_TYPE", f"--lines={JOBS * UNITS}", *matches[1:])
        newest |= {str(entry.get(f"{prefix}UNIT")): str(entry.get("JOB_TYPE")) for entry in found}    # it comes last
    return newest


async def _journalctl(*arguments: str) -> str:
    """Its output, which --all would make unbounded; "" on any failure."""
    try:
        process = await asyncio.create_subprocess_exec(
            "journalctl", "--quiet", "--no-pager", *arguments, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    except (OSError, ValueError):
        return ""
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        return ""
    finally:
        if process.returncode is None:
            process.kill()
            with suppress(TimeoutError):            # one that hangs in the kernel is not waited for
                async with asyncio.timeout(1):
                    await process.wait()
    return output.decode(errors="replace") if process.returncode == 0 else ""


async def entries(*matches: str) -> list[dict[str, object]]:
    """Entries of the journal, oldest first, each with its fields; [] when there are none to be had."""
    text = await _journalctl("--output=json", *matches)
    found = []
    for line in text.splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return [entry for entry in found if isinstance(entry, dict)]
