"""Asks Prometheus how many machines have an issue. Loaded where [fleet] names one: whatever it answers, this ends soon.

HTTP/1.0, whose answer ends with its connection: no chunks, no redirects, one bounded text.
"""

import asyncio
import json
import os
from urllib.parse import quote, urlsplit

from heald.errors import Code, HealdError
from heald.fleet import Fleet, Share

TIMEOUT = 2.0               # seconds, from the connection to the last byte
_MOST = 64 << 10            # bytes of an answer; ours has under 1 KiB
_NONSENSE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def question(kind: str, subject: str, fleet: Fleet) -> str:
    """Two numbers in one look, so that they fit together: how many machines have the issue, and of how many heald is
    heard. Prometheus counts them all the time (fleet/heald.rules.yml): a thousand machines that ask at the same moment
    do not have it count a thousand machines each."""
    ill = _selector("fleet:heald_issue_info:count", {"kind": kind, "name": subject, **dict(fleet.labels)})
    all_ = _selector("fleet:heald_machines:count", dict(fleet.labels))
    return f'label_replace(sum({ill}), "of", "ill", "", "") or label_replace(sum({all_}), "of", "all", "", "")'


def _selector(metric: str, labels: dict[str, str]) -> str:
    """JSON's escapes are PromQL's too, but for those of what is no ASCII, which are not used."""
    wanted = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
    return f"{metric}{{{','.join(wanted)}}}"


async def share(kind: str, subject: str, fleet: Fleet) -> Share:
    """HealdError(UNREACHABLE) in at most TIMEOUT seconds where no such answer comes."""
    try:
        async with asyncio.timeout(TIMEOUT):
            answer = await _get(fleet, question(kind, subject, fleet))
    except TimeoutError:
        raise _unreachable(fleet, f"no answer in {TIMEOUT:g} s") from None
    except OSError as error:        # asyncio has words of its own for it, and OpenSSL has a name
        why = getattr(error, "reason", "") or (os.strerror(error.errno) if error.errno else str(error))
        raise _unreachable(fleet, why) from None
    head, _, body = answer.partition(b"\r\n\r\n")
    version, _, status = head.partition(b"\r\n")[0].partition(b" ")
    if not version.startswith(b"HTTP/1.") or not status[:3].isdigit():
        raise _unreachable(fleet, "its answer is no HTTP")
    if status[:3] != b"200":
        raise _unreachable(fleet, f"it answers with status {status[:3].decode()}")
    try:
        found = {one["metric"]["of"]: int(one["value"][1]) for one in json.loads(body)["data"]["result"]}
        counted = Share(found.get("ill", 0), found.get("all", 0))
    except _NONSENSE:
        raise _unreachable(fleet, "its answer is none of Prometheus's") from None
    if not counted.machines:
        raise _unreachable(fleet, "it has not counted the machines: are heald.rules.yml, and labels in [fleet], right?")
    if not 0 <= counted.ill <= counted.machines:
        raise _unreachable(fleet, f"it has counted {counted.ill} of {counted.machines} machines")
    return counted


async def _get(fleet: Fleet, query: str) -> bytes:
    parts = urlsplit(fleet.prometheus)
    path = f"{parts.path}/api/v1/query?query={quote(query, safe='', errors='replace')}"
    reader, writer = await asyncio.open_connection(*fleet.endpoint, ssl=parts.scheme == "https" or None, limit=_MOST)
    try:
        head = (f"GET {path} HTTP/1.0", f"Host: {parts.netloc}", "User-Agent: heald", "Accept: application/json")
        writer.write("".join(f"{line}\r\n" for line in (*head, "")).encode())
        await reader.readexactly(_MOST)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    finally:
        writer.transport.abort()
    raise _unreachable(fleet, f"its answer is longer than {_MOST >> 10} KiB")


def _unreachable(fleet: Fleet, why: str) -> HealdError:
    return HealdError(Code.UNREACHABLE, f"Prometheus at {fleet.prometheus} cannot be asked: {why}")
