from __future__ import annotations

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import TableChunk
from support.arrow_types import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_of_any_type_are_taken_in_any_order(name: str) -> None:
    column = SAMPLES[name]
    chunk = TableChunk(pa.table({"a": column}))
    taken = chunk.take([2, 0, 0]).table.column("a")
    is_null = column.is_null().to_pylist()
    assert taken.is_null().to_pylist() == [is_null[2], is_null[0], is_null[0]]
    assert chunk.take([]).table.schema == chunk.take([1]).table.schema
    if not pa.types.is_run_end_encoded(column.type):
        assert taken.type == column.type
