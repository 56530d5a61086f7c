"""docs/operations.md has the code's own table; written anew by `PYTHONPATH=helper python tests/operations_table.py`."""

import operations_table
from heald_helper.operations import TABLE


def test_the_table_of_operations_is_the_code_s_own() -> None:
    assert operations_table.written(operations_table.FILE.read_text()) == operations_table.FILE.read_text()


def test_every_operation_is_told_whole() -> None:
    rows = list(operations_table.rows())
    assert [cells[0] for cells in rows] == [f"`{category}/{operation}`" for category, operation in TABLE]
    assert [cells for cells in rows if not all(cells)] == []
