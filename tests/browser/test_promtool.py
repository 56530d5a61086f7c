"""The metrics of the real daemon before Prometheus's own judge, and what docs/metrics.md shows for Prometheus."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from machine import product
from machine.machine import CannotBootError, Machine

ROOT = Path(__file__).resolve().parents[2]
METRICS = "http://127.0.0.1:9753/metrics"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine in which something was healed, so that every metric has a value, and something is wrong."""
    try:
        with Machine.boot("heald-promtool") as machine:
            product.make(machine, "install")
            machine.write("/etc/heald/heald.toml", '[sense]\ninterval = "2s"\n[metrics]\nenable = true\n')
            product.add_unit(machine, "job.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n")
            machine.run("systemctl", "start", "heald.service")
            machine.run("systemctl", "start", "job.service", check=False)
            product.add_service(machine, "shop.service")
            product.kill(machine, "shop.service")
            for name in ("heald_repairs_total{", "heald_issue_info{"):
                product.wait_until(lambda name=name: name in read(machine), f"{name} is there")    # type: ignore[misc]
            yield machine
    except CannotBootError as why:
        pytest.skip(f"no machine can be booted here: {why}")


def read(machine: Machine) -> str:
    return machine.run("curl", "--silent", METRICS, check=False).stdout


def promtool(*words: str, text: str = "") -> str:
    """All that it says; it fails the test where promtool does."""
    done = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_has_no_word_to_say(machine: Machine) -> None:
    assert promtool("check", "metrics", text=read(machine)) == ""


def test_it_would_say_one() -> None:
    wrong = "# HELP heald_repairs Repairs.\n# TYPE heald_repairs counter\nheald_repairs 1\n"
    done = subprocess.run(["promtool", "check", "metrics"], input=wrong, capture_output=True, text=True, check=False)
    assert (done.returncode, "_total" in done.stderr) == (3, True)


def test_what_docs_show_is_what_prometheus_takes(tmp_path: Path) -> None:
    said = (ROOT / "docs/metrics.md").read_text()
    scrape, rules = re.findall(r"^```yaml\n(.*?)^```$", said, re.MULTILINE | re.DOTALL)
    for name, text in (("prometheus.yml", scrape), ("rules.yml", rules)):
        (tmp_path / name).write_text(text)
    assert "is valid prometheus config file syntax" in promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert "3 rules found" in promtool("check", "rules", str(tmp_path / "rules.yml"))


def test_prometheus_itself_scrapes_it(machine: Machine) -> None:
    machine.write("/run/prometheus.yml", "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: heald\n"
                                         '    static_configs:\n      - targets: ["127.0.0.1:9753"]\n')
    machine.run("systemd-run", "--unit=prometheus-itself", "prometheus", "--config.file=/run/prometheus.yml",
                "--storage.tsdb.path=/run/prometheus-data", "--web.listen-address=127.0.0.1:9090")

    def knows(query: str) -> bool:
        asked = ("--get", "http://127.0.0.1:9090/api/v1/query", "--data-urlencode", f"query={query}")
        return '"metric"' in machine.run("curl", "--silent", *asked, check=False).stdout
    for query in ('up{job="heald"} == 1', 'heald_repairs_total{operation="service/start",result="done"} == 1',
                  'heald_issue_info{name="job.service"}',
                  "histogram_quantile(0.5, heald_repair_duration_seconds_bucket)"):
        product.wait_until(lambda query=query: knows(query), query)     # type: ignore[misc]
    machine.run("systemctl", "stop", "prometheus-itself.service")
