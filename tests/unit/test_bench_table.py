"""What README.md and docs/performance.md say of speed is what `make bench` found last."""

import json

import pytest

import bench_table


@pytest.mark.parametrize("name", bench_table.FILES)
def test_the_figures_are_those_of_the_last_bench(name: str) -> None:
    text = bench_table.FILES[name].read_text()
    assert bench_table.begin("repair times") in text
    assert bench_table.written(text, json.loads(bench_table.FOUND.read_text())) == text


def test_all_tables_have_a_place() -> None:
    text = bench_table.FILES["docs/performance.md"].read_text()
    assert all(bench_table.begin(table) in text for table in bench_table.TABLES)
