"""What docs/fleet.md says of a thousand machines is what `make fleet-bench` found last."""

import json

import fleet_table


def test_the_figures_are_those_of_the_last_bench() -> None:
    text = fleet_table.FILE.read_text()
    assert all(fleet_table.begin(table) in text for table in fleet_table.TABLES)
    assert fleet_table.written(text, json.loads(fleet_table.FOUND.read_text())) == text
