"""What Prometheus reads: each metric from what heald knows and did. docs/metrics.md describes every one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from heald.face.totals import Totals
from heald.kinds import TABLE
from heald.model import Severity
from heald.tally import BUCKETS

TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of the text format that every Prometheus reads: none of our names needs a later one."""
NAMED = 200
"""Issues that are told by name, the worst first: each is a series of its own in Prometheus."""
LIMITS = {"incidents_per_hour": "incidents_left", "rollbacks_per_day": "rollbacks_left"}
"""By the name that [limits] has for it: where Controller1's Limits has what is left."""


def exposition(known: Mapping[str, Any], totals: Totals, *, helper: bool) -> bytes:
    """All metrics. `known` is what Controller1 shows; `helper`: whether it can be reached."""
    registry = CollectorRegistry()
    registry.register(_Now([*_known(known, helper=helper), *_done(totals)]))
    return generate_latest(registry)


class _Now(Collector):
    """What is handed over is made: nothing is asked when it is collected."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _known(known: Mapping[str, Any], *, helper: bool) -> Iterator[Metric]:
    issues = known["Issues"]
    yield _gauge("heald_build_info", "Version of heald that runs; always 1.", {(known["Version"],): 1}, "version")
    yield _gauge("heald_health_score", "Health of this machine, from 0 to 100.", {(): known["Health"]})
    yield _gauge("heald_helper_up", "Whether root's helper runs, or could be started (1), or not (0).",
                 {(): int(helper)})
    counts = Counter({(kind, severity.label): 0 for kind in TABLE for severity in Severity})
    counts.update((issue["kind"], issue["severity"]) for issue in issues)
    yield _gauge("heald_issues", "Open issues.", counts, "kind", "severity")
    named = {(issue["kind"], issue["subject"]): 1 for issue in issues[:NAMED]}
    yield _gauge("heald_issue_info", f"An open issue; always 1. The worst {NAMED} are named.", named, "kind", "name")
    yield _gauge("heald_issue_opened_timestamp_seconds", "When the incident of an open issue was opened.",
                 dict(_opened(issues[:NAMED], known["Incidents"])), "kind", "name", "outcome", "reason")
    left = {(limit,): known["Limits"][key] for limit, key in LIMITS.items()}
    yield _gauge("heald_limit_remaining", "What is left of a limit that heald holds itself to.", left, "limit")
    yield _gauge("heald_paused", "Subjects that a person has paused.", {(): len(known["Paused"])})


def _opened(issues: Iterable[Mapping[str, Any]],
            incidents: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, ...], float]]:
    """By issue, what has come of it so far, and the word that a reason to stand back begins with."""
    by_id = {incident["id"]: incident for incident in incidents}
    for issue in issues:
        if incident := by_id.get(issue["id"]):
            outcome = incident["outcome"]
            word = incident["reason"].partition(":")[0] if outcome == "stood-back" else ""
            opened = datetime.fromisoformat(incident["opened"]).timestamp()
            yield (issue["kind"], issue["subject"], outcome, word), round(opened)


def _done(totals: Totals) -> Iterator[Metric]:
    yield _counter("heald_incidents", "Incidents that were closed.", totals.incidents, "kind", "outcome")
    yield _counter("heald_repairs", "Answers of root's helper to what it was asked to do.", totals.repairs,
                   "operation", "result")
    took = HistogramMetricFamily("heald_repair_duration_seconds", "How long repairs took that were seen to end.")
    marks = [*map(str, BUCKETS), "+Inf"]
    took.add_metric([], list(zip(marks, map(float, accumulate(totals.took)), strict=True)), totals.seconds)
    yield took


def _gauge(name: str, text: str, values: Mapping[Any, float], *labels: str) -> Metric:
    """`values` by the labels' values, in their order."""
    return _filled(GaugeMetricFamily(name, text, labels=labels), values)


def _counter(name: str, text: str, values: Mapping[Any, float], *labels: str) -> Metric:
    return _filled(CounterMetricFamily(name, text, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[Any, float]) -> Metric:
    for label, value in sorted(values.items()):
        family.add_metric(label, value)
    return family
