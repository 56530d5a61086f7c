"""What docs/performance.md says of a long history is what `make bench-history` found last."""

import history_table


def test_the_figures_are_those_of_the_last_run() -> None:
    text = history_table.FILE.read_text()
    assert history_table.BEGIN in text
    assert history_table.written(text) == text
