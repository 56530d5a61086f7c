"""What README.md and docs/performance.md say of speed is what `make bench` found last."""

import json

import pytest

import bench_table
from bench.__main__ import beyond


@pytest.mark.parametrize("name", bench_table.FILES)
def test_the_figures_are_those_of_the_last_bench(name: str) -> None:
    text = bench_table.FILES[name].read_text()
    assert bench_table.begin("repair times") in text
    assert bench_table.written(text, json.loads(bench_table.FOUND.read_text())) == text


def test_all_tables_have_a_place() -> None:
    text = bench_table.FILES["docs/performance.md"].read_text()
    assert all(bench_table.begin(table) in text for table in bench_table.TABLES)


@pytest.mark.parametrize(("changed", "far"), [
    ({}, 0), ({"heald_warm": 61.0}, 1), ({"heald_cold": 301.0}, 1), ({"heald_warm": 501.0}, 2),
])
def test_the_short_form_fails_on_ratios_alone(
        changed: dict[str, float], far: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = {"systemd_0": 10.0, "heald_warm": 20.0, "heald_cold": 100.0, "monit_start": 500.0} | changed
    assert beyond(found) == beyond({who: 1000 * ms for who, ms in found.items()}) == far
    assert capsys.readouterr().out.count("heald") == 2 * far
