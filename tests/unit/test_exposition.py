"""The text that Prometheus reads, read back by Prometheus's own parser for Python."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from heald.face.exposition import NAMED, exposition
from heald.face.totals import Totals
from heald.kinds import TABLE

ROOT = Path(__file__).resolve().parents[2]
ODD = 'a"b\\c\nd é.service'
KNOWN: dict[str, Any] = {
    "Version": "1.2.3", "Health": 72, "Limits": {"incidents_left": 7, "rollbacks_left": 3},
    "Issues": [{"id": "7", "kind": "unit-failed", "severity": "high", "subject": ODD},
               {"id": "8", "kind": "unit-failed", "severity": "high", "subject": "b.service"},
               {"id": None, "kind": "swap-full", "severity": "medium", "subject": "machine"}],
    "Incidents": [{"id": "7", "opened": "2026-11-26T00:00:00.123Z", "outcome": "gave-up", "reason": "used: up"},
                  {"id": "8", "opened": "2026-11-26T00:00:01.000Z", "outcome": "stood-back", "reason": "fleet: 37 %"}],
    "Paused": [{"subject": "c.service", "until": "2026-11-26T00:00:00.000Z"}],
}


@pytest.fixture
def totals(tmp_path: Path) -> Totals:
    """As of a machine on which things happened."""
    found = Totals(tmp_path / "absent.db", dict, lambda _: None)
    found.repairs.update({("service/start", "done"): 3, ("system/restore-permissions", "Failed"): 1})
    found.incidents.update({("unit-failed", "healed"): 2})
    found.took, found.seconds = [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1], 25.5
    return found


def samples(text: bytes) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text.decode()):
        yield from ((sample.name, sample.labels, sample.value) for sample in family.samples)


def one(text: bytes, name: str, /, **labels: str) -> float:
    [value] = [value for found, has, value in samples(text) if (found, has) == (name, labels)]
    return value


def test_what_heald_knows(totals: Totals) -> None:
    text = exposition(KNOWN, totals, helper=True)
    assert one(text, "heald_build_info", version="1.2.3") == 1
    assert one(text, "heald_health_score") == 72
    assert one(text, "heald_helper_up") == 1
    assert one(exposition(KNOWN, totals, helper=False), "heald_helper_up") == 0
    assert one(text, "heald_paused") == 1
    assert one(text, "heald_limit_remaining", limit="incidents_per_hour") == 7
    assert one(text, "heald_limit_remaining", limit="rollbacks_per_day") == 3
    assert one(text, "heald_issues", kind="unit-failed", severity="high") == 2
    assert one(text, "heald_issues", kind="unit-failed", severity="critical") == 0
    assert one(text, "heald_issue_info", kind="unit-failed", name=ODD) == 1
    opened = "heald_issue_opened_timestamp_seconds"
    assert one(text, opened, kind="unit-failed", name=ODD, outcome="gave-up", reason="") == 1795651200
    assert one(text, opened, kind="unit-failed", name="b.service", outcome="stood-back", reason="fleet") == 1795651201
    assert len([1 for name, _, _ in samples(text) if name == opened]) == 2


def test_what_heald_did(totals: Totals) -> None:
    text = exposition(KNOWN, totals, helper=True)
    assert one(text, "heald_repairs_total", operation="service/start", result="done") == 3
    assert one(text, "heald_incidents_total", kind="unit-failed", outcome="healed") == 2
    name = "heald_repair_duration_seconds"
    assert [one(text, f"{name}_bucket", le=le) for le in ("0.025", "0.1", "20.0", "+Inf")] == [1, 3, 3, 4]
    assert (one(text, f"{name}_count"), one(text, f"{name}_sum")) == (4, 25.5)


def test_every_kind_is_there_also_when_nothing_is_wrong(totals: Totals) -> None:
    text = exposition({**KNOWN, "Issues": []}, totals, helper=True)
    found = {labels["kind"]: value for name, labels, value in samples(text) if name == "heald_issues"}
    assert found == dict.fromkeys(TABLE, 0)
    assert not [name for name, _, _ in samples(text) if name == "heald_issue_info"]


def test_a_thousand_issues_are_counted_and_the_worst_are_named(totals: Totals) -> None:
    many = [{"id": None, "kind": "unit-failed", "severity": "high", "subject": f"{n}.service"} for n in range(1000)]
    text = exposition({**KNOWN, "Issues": many}, totals, helper=True)
    assert one(text, "heald_issues", kind="unit-failed", severity="high") == 1000
    assert len([1 for name, _, _ in samples(text) if name == "heald_issue_info"]) == NAMED


def test_every_metric_and_label_is_documented(totals: Totals) -> None:
    said = (ROOT / "docs/metrics.md").read_text()
    text = exposition(KNOWN, totals, helper=True)
    names = {line.split()[2] for line in text.decode().splitlines() if line.startswith("# TYPE ")}
    for name in names:
        labels = next((list(has) for found, has, _ in samples(text) if found == name), [])
        written = f"`{name}{{{','.join(labels)}}}`" if labels else f"`{name}`"
        assert written in said, written
    assert len(names) == 11


def test_debian_s_own_library_writes_the_same(totals: Totals) -> None:
    """Version 0.16 is in Debian 12; it is /usr/bin/python3's own."""
    program = (f"import sys; sys.path[:0] = [{str(ROOT / 'controller')!r}]\n"
               "from heald.face import exposition, totals\n"
               "from pathlib import Path\n"
               "found = totals.Totals(Path('/nonexistent/a'), dict, lambda _: None)\n"
               f"found.repairs.update({dict(totals.repairs)!r}); found.incidents.update({dict(totals.incidents)!r})\n"
               f"found.took, found.seconds = {totals.took!r}, {totals.seconds!r}\n"
               f"sys.stdout.buffer.write(exposition.exposition({KNOWN!r}, found, helper=True))")
    done = subprocess.run(["/usr/bin/python3", "-I", "-c", program], capture_output=True, check=True)
    assert done.stdout == exposition(KNOWN, totals, helper=True)
