from __future__ import annotations

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import TableChunk, short_in
from support.arrow_types import SAMPLES


def test_the_first_rows_have_the_padded_ones_among_them() -> None:
    table = pa.table({"a": list(range(10))})
    chunk = TableChunk(table, short=(4, 9), first_short="f.csv, line 6")
    assert (chunk.head(3).short_rows, chunk.head(3).first_short) == (0, "")
    assert (chunk.head(5).short_rows, chunk.head(5).first_short) == (1, "f.csv, line 6")
    assert chunk.head(12).short_rows == 2


def test_padded_rows_are_counted_over_chunks() -> None:
    table = pa.table({"a": [1, 2, 3]})
    chunks = [TableChunk(table, short=(2,)), TableChunk(table), TableChunk(table, short=(0,))]
    assert short_in(chunks) == (2, 6)


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
