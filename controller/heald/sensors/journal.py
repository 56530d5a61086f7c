"""What the journal says of a unit. journalctl reads it; it never raises: no journal is no reason not to heal."""

import asyncio
import json
import os
from contextlib import suppress

SECONDS = 5.0               # for one journalctl; it is killed when it takes longer
LINE = 500                  # characters kept of a line
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


async def newest_job(unit: str, invocation: str = "", *, user: bool = False) -> str:
    """JOB_TYPE of systemd's newest message about a job of a unit: "stop", "start", "restart", …; "" = unknown.

    With `invocation` (hexadecimal) only jobs of that run count. Only messages of pid 1, or of the `user`'s own systemd,
    count: anyone may log a UNIT=.
    """
    prefix = "USER_" if user else ""
    says = [f"_UID={os.getuid()}", "_SYSTEMD_USER_UNIT=init.scope"] if user else ["_PID=1"]
    run = [f"{prefix}INVOCATION_ID={invocation}"] if invocation else []
    text = await _journalctl("--output=cat", "--output-fields=JOB_TYPE", "--lines=1", "--reverse", *says,
                             f"{prefix}UNIT={unit}", *run, *(f"JOB_TYPE={job}" for job in _JOB_TYPES))
    return text.strip()


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
