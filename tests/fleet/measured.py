"""Simulated pushes before the real Prometheus and Alertmanager, and what comes of them in figures."""

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

from fleet.services import FLEET, Service, alertmanager, changed, free_port, prometheus, receiver
from fleet.simulated import Push, Simulation
from machine import product

CONFIG = """\
global:
  scrape_interval: 15s
  scrape_timeout: 5s
  evaluation_interval: 15s
rule_files: [heald.rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{manager}"]}}]}}]}}
scrape_configs: [{{job_name: heald, file_sd_configs: [{{files: ["{folder}/machines.json"]}}]}}]
"""


LONGEST = 1800.0            # seconds that a simulation may take on any host


def measure(folder: Path, machines: int, scrape: float, pushes: Sequence[Push], **times: str) -> dict[str, Any]:
    """Plays `pushes`, on machines that are scraped every `scrape` seconds, until each machine has acted or stood back
    and somebody was told of each. `times` are those of fleet/alertmanager.yml that are other than there."""
    simulation, port, asked, manager = Simulation(machines), free_port(), free_port(), free_port()
    (folder / "machines.json").write_text(simulation.targets(port))
    text, every = CONFIG.format(manager=manager, folder=folder), f"{scrape:g}s"
    (folder / "prometheus.yml").write_text(changed(
        text, scrape_interval=every, scrape_timeout=f"{min(5, scrape):g}s", evaluation_interval=every))
    rules = (FLEET / "heald.rules.yml").read_text().replace("[45s]", f"[{3 * scrape:g}s]")
    (folder / "heald.rules.yml").write_text(rules)
    took, costs = list[float](), dict[str, Any]()
    with receiver() as told, alertmanager(folder, manager, told, **times), prometheus(folder, asked) as service:
        watching = ExitStack()

        def begin() -> None:
            product.wait_until(lambda: service.value("fleet:heald_machines:count") == machines, "all are scraped")
            watching.enter_context(watched(service, took, scrape))

        def end() -> None:
            watching.close()
            costs.update(prices(service))
            service.process.terminate()
            service.process.wait()

        def until() -> None:
            product.wait_until(lambda: all(
                len(push.decided) == machines and told.told("HealdFleetBrake", name=push.unit) for push in pushes),
                "all have decided, and somebody was told", LONGEST)

        asyncio.run(simulation.run(port, pushes, f"http://127.0.0.1:{asked}", before=begin, until=until, after=end))
    return {
        "machines": machines, "scrape_s": scrape, **costs, "rules_ms": spread(took),
        "questions": len(simulation.asked), "questions_lost": simulation.lost, "question_ms": spread(simulation.asked),
        "pushes": [outcome(push, [at - simulation.began for at in told.told("HealdFleetBrake", name=push.unit)])
                   for push in pushes],
    }


def outcome(push: Push, told: list[float]) -> dict[str, Any]:
    """What a push came to. `told_s`: seconds from its beginning until somebody was told, null where nobody was."""
    return {"lasts_s": push.lasts, "settle_s": push.settle, "acted": len(push.acted), "held": len(push.held),
            "told_s": round(told[0], 1) if told else None, "told_times": len(told)}


@contextmanager
def watched(service: Service, took: list[float], every: float) -> Iterator[None]:
    """Notes meanwhile what each evaluation of all rules took, in seconds."""
    end = threading.Event()

    def watch() -> None:
        while not end.wait(every):
            groups = service.get("/api/v1/rules")["data"]["groups"]
            took.append(sum(group["evaluationTime"] for group in groups))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds: the median and the slowest."""
    return {"median": round(1000 * median(seconds), 1), "max": round(1000 * max(seconds), 1)}


def prices(service: Service) -> dict[str, Any]:
    """What Prometheus itself bears: series, and MiB of memory."""
    with urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    found = dict(re.findall(r"^(prometheus_tsdb_head_series|process_resident_memory_bytes) (\S+)$", text, re.MULTILINE))
    return {"series": int(float(found["prometheus_tsdb_head_series"])),
            "prometheus_mib": round(float(found["process_resident_memory_bytes"]) / 2**20)}
