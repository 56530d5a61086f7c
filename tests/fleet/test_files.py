"""What is in fleet/ before Prometheus's and Alertmanager's own judges, and of metrics that heald has."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.services import FLEET
from heald.face.exposition import exposition
from heald.face.totals import Totals
from heald.fleet import Fleet
from heald.prometheus import question

RULES = (FLEET / "heald.rules.yml").read_text()
ALERTS = re.findall(r"- alert: (\w+)", RULES)
DASHBOARD = json.loads((FLEET / "dashboard.json").read_text())
FILLED = {"$__rate_interval": "1m", "$job": "heald", "$instance": ".*"}


def judged(*command: str, folder: Path = FLEET) -> str:
    """All that it says; the test fails where it does."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_configuration_and_rules() -> None:
    said = judged("promtool", "check", "config", "prometheus.yml")
    assert "prometheus.yml is valid prometheus config file syntax" in said
    assert f"SUCCESS: {len(ALERTS) + RULES.count('- record: ')} rules found" in said


def test_the_rules_do_what_their_tests_say() -> None:
    assert "SUCCESS" in judged("promtool", "test", "rules", "heald.rules.test.yml")


@pytest.mark.parametrize("alert", ALERTS)
def test_and_those_would_notice(alert: str, tmp_path: Path) -> None:
    """A rule that never fires is not what they ask for."""
    before, found, rest = RULES.partition(f"- alert: {alert}\n        expr: ")
    assert found
    text = re.sub(r"\A(\|\n(          .*\n)+|.*\n)", "vector(0) > 1\n", rest)
    (tmp_path / "heald.rules.yml").write_text(before + found + text)
    (tmp_path / "test.yml").write_text((FLEET / "heald.rules.test.yml").read_text())
    done = subprocess.run(["promtool", "test", "rules", "test.yml"], capture_output=True, text=True, check=False,
                          cwd=tmp_path)
    assert (done.returncode, f"alertname: {alert}" in done.stdout + done.stderr) == (1, True)


@pytest.mark.parametrize(("alert", "receiver"), [(alert, "nobody" if alert == "HealdAtWork" else "people")
                                                 for alert in (*ALERTS, "NodeSystemdServiceFailed")])
def test_amtool_leads_each_alert_where_it_belongs(alert: str, receiver: str) -> None:
    assert "2 inhibit rules" in judged("amtool", "check-config", "alertmanager.yml")
    judged("amtool", "config", "routes", "test", "--config.file=alertmanager.yml", f"--verify.receivers={receiver}",
           f"alertname={alert}", "instance=a", "name=shop.service")


def known(tmp_path: Path) -> set[str]:
    """Every metric that heald has, and what the rules record."""
    totals = Totals(tmp_path / "absent.db", dict, lambda _: None)
    text = exposition({"Version": "1", "Health": 1, "Limits": {"incidents_left": 1, "rollbacks_left": 1}, "Issues": [],
                       "Incidents": [], "Paused": []}, totals, helper=True).decode()
    families = re.findall(r"# TYPE (\w+) (\w+)", text)
    parts = {f"{name}_{end}" for name, kind in families if kind == "histogram" for end in ("bucket", "sum", "count")}
    return {name for name, _ in families} | parts | set(re.findall(r"- record: (\S+)", RULES)) | {"up"}


def expressions(panels: list[dict[str, Any]]) -> Iterator[str]:
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", []))


def filled(expr: str) -> str:
    """As Grafana asks it."""
    for variable, value in FILLED.items():
        expr = expr.replace(variable, value)
    return expr


def test_every_panel_asks_what_prometheus_understands(tmp_path: Path) -> None:
    asked = [filled(expr) for expr in expressions(DASHBOARD["panels"])]
    assert len(asked) >= 12
    rules = "".join(f"      - record: panel:number_{place}\n        expr: {json.dumps(expr)}\n"
                    for place, expr in enumerate(asked))
    (tmp_path / "panels.yml").write_text(f"groups:\n  - name: panels\n    rules:\n{rules}")
    assert f"{len(asked)} rules found" in judged("promtool", "check", "rules", "panels.yml", folder=tmp_path)
    assert not [expr for expr in asked if "$" in expr]


def test_only_metrics_that_there_are_are_asked_for(tmp_path: Path) -> None:
    there = known(tmp_path)
    tests = (FLEET / "heald.rules.test.yml").read_text()
    for text in (RULES, *expressions(DASHBOARD["panels"]), tests):
        for name in re.findall(r"\b(?:(?:fleet|instance):\w+:\w+|heald_\w+)", text):
            assert name in there, name


def test_the_dashboard_has_the_variables_of_the_common_node_dashboard() -> None:
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "job", "instance"]
    assert variables["instance"]["query"]["query"] == 'label_values(heald_build_info{job=~"$job"}, instance)'
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {"$datasource"}


def test_no_panel_lies_on_another() -> None:
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & places, panel["title"]
        assert at["x"] + at["w"] <= 24
        places |= mine


@pytest.mark.parametrize("subject", ["shop.service", r"dev-disk-by\x2duuid.mount", 'a"} or vector(1) #', "a\nb",
                                     "/srv/Größe", "/srv/\U0001f600", "/srv/\t"])
def test_what_heald_asks_is_what_prometheus_understands(subject: str, tmp_path: Path) -> None:
    """Of a subject of any name, and of others none."""
    name, asked = json.dumps(subject, ensure_ascii=False), Fleet(labels=(("role", "web"),))
    series = [{"series": f'fleet:heald_issue_info:count{{kind="unit-failed",name={name},role="web",zone="{zone}"}}',
               "values": "3"} for zone in ("a", "b")]
    others = [{"series": f"fleet:heald_issue_info:count{{{other},role=\"web\"}}", "values": "50"}
              for other in ('kind="unit-failed",name="other"', f'kind="unit-blocked",name={name}')]
    counts = [{"series": f'fleet:heald_machines:count{{role="{role}"}}', "values": "10"} for role in ("web", "db")]
    expected = [{"labels": f'{{of="{of}"}}', "value": value} for of, value in (("ill", 6), ("all", 10))]
    (tmp_path / "test.yml").write_text(json.dumps({"tests": [{
        "interval": "15s", "input_series": [*series, *others, *counts], "promql_expr_test": [
            {"expr": question("unit-failed", subject, asked), "eval_time": "0s", "exp_samples": expected}]}]},
        ensure_ascii=False))
    judged("promtool", "test", "rules", "test.yml", folder=tmp_path)
