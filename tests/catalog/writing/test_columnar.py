"""Row groups and record batches depend on the rows alone, not on how they arrive."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import Format
from genre_batch.catalog.writing import columnar
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.writer import encoder_for


def _written(kind: Format, table: pa.Table, rows_at_once: int) -> bytes:
    stream = io.BytesIO()
    encoder = encoder_for(kind, stream, EncoderOptions())
    for start in range(0, len(table), rows_at_once):
        encoder.write(TableChunk(table.slice(start, rows_at_once)), pa.table({}))
    encoder.finish()
    return stream.getvalue()


def _groups(kind: Format, data: bytes) -> list[int]:
    if kind is Format.PARQUET:
        metadata = pq.ParquetFile(io.BytesIO(data)).metadata
        return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    file = pa.ipc.open_file(io.BytesIO(data))
    return [file.get_batch(number).num_rows for number in range(file.num_record_batches)]


LONG = pa.table({"overview": [f"{number:04}" * 10 for number in range(100)]})
MIXED = pa.table({"overview": ["x" * (number % 7 * 30) for number in range(100)]})
DICTIONARY = pa.table({"overview": MIXED.column("overview").dictionary_encode()})


@pytest.mark.parametrize("kind", [Format.PARQUET, Format.ARROW])
@pytest.mark.parametrize("table", [LONG, MIXED, DICTIONARY])
def test_rows_are_grouped_by_their_size_however_they_arrive(
    kind: Format, table: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "_ROW_GROUP_BYTES", 1000)
    monkeypatch.setattr(columnar, "_ROW_GROUP_ROWS", 40)
    files = [_written(kind, table, rows) for rows in (100, 64, 33, 7, 1)]
    assert len(set(files)) == 1
    assert len(_groups(kind, files[0])) > 2


@pytest.mark.parametrize("kind", [Format.PARQUET, Format.ARROW])
def test_a_group_ends_with_the_row_that_fills_it(
    kind: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "_ROW_GROUP_BYTES", 1000)
    assert _groups(kind, _written(kind, LONG, 100)) == [23, 23, 23, 23, 8]
    monkeypatch.setattr(columnar, "_ROW_GROUP_ROWS", 20)
    assert _groups(kind, _written(kind, LONG, 100)) == [20, 20, 20, 20, 20]
