"""docs/issues.md has the code's own table; written anew by `PYTHONPATH=controller python tests/issues_table.py`."""

import re

import issues_table
from heald.kinds import TABLE


def test_the_table_of_issues_is_the_code_s_own() -> None:
    assert issues_table.written(issues_table.FILE.read_text()) == issues_table.FILE.read_text()


def test_every_kind_is_told_whole() -> None:
    rows = list(issues_table.rows())
    assert {cells[0] for cells in rows} == {f"`{kind}`" for kind in TABLE}
    assert [cells for cells in rows if not all(cells)] == []


def test_what_is_linked_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", issues_table.FILE.read_text()):
        assert (issues_table.FILE.parent / target).exists(), target
