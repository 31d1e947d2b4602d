"""Parquet and Arrow IPC -> tables that keep types, nullability and schema metadata.

pyarrow reads them, not polars, which would lose dictionary and fixed-size binary types and the
schema's metadata on the way through.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.chunk import TableChunk
from genre_batch.errors import CatalogError
from genre_batch.files import first_line

__all__ = ["ROWS_PER_CHUNK", "read_arrow", "read_parquet"]

ROWS_PER_CHUNK = 2048

_DAMAGED = (pa.ArrowException, OSError, ValueError, OverflowError)
"""What pyarrow raises on files that are not what they say: names that are no UTF-8 are a
ValueError, sizes beyond reason an OverflowError."""

_BOMB_BYTES = 1 << 28
_BOMB_RATIO = 500
"""A row group that is larger than the first, out of a file so many times smaller, is no catalog's:
real text shrinks three- to tenfold, and repeated values are not stored repeatedly."""


def _tables(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], name: str
) -> Iterator[TableChunk]:
    yield TableChunk(schema.empty_table())
    while True:
        try:
            batch = next(batches, None)
            if batch is not None:
                # A damaged Arrow file may point outside of its own buffers.
                batch.validate(full=True)
        except _DAMAGED as error:
            raise CatalogError(f"{name} is damaged: {first_line(error).rstrip('.')}") from error
        if batch is None:
            return
        table = pa.Table.from_batches([batch], schema)
        for start in range(0, table.num_rows, ROWS_PER_CHUNK):
            yield TableChunk(table.slice(start, ROWS_PER_CHUNK))


def read_parquet(stream: BinaryIO, name: str) -> tuple[int, Iterator[TableChunk]]:
    """(rows in all, tables of at most `ROWS_PER_CHUNK` rows; the first is empty, for the schema).

    Raises:
        CatalogError: not a Parquet file, a damaged one, or one that expands beyond reason.
    """
    try:
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow
    except _DAMAGED as error:
        raise CatalogError(
            f"{name} is not a readable Parquet file: {first_line(error).rstrip('.')}"
        ) from error
    _refuse_bombs(file.metadata, stream.seek(0, io.SEEK_END), name)
    batches = file.iter_batches(batch_size=ROWS_PER_CHUNK)
    return int(file.metadata.num_rows), _tables(schema, batches, name)


def _refuse_bombs(metadata: pq.FileMetaData, size: int, name: str) -> None:
    # Sizes of single columns would tell more, but asking a damaged file for them ends the process
    # (pyarrow 26 does not catch what its own constructor throws).
    for number in range(metadata.num_row_groups):
        expanded = metadata.row_group(number).total_byte_size
        if expanded > _BOMB_BYTES and expanded > _BOMB_RATIO * size:
            raise CatalogError(
                f"{name} is not read: its row group {number + 1} expands to {expanded:,} bytes, "
                f"out of a file of {size:,}"
            )


def read_arrow(stream: BinaryIO, name: str) -> Iterator[TableChunk]:
    """Tables of an Arrow IPC file or stream, as `read_parquet` gives them.

    Raises:
        CatalogError: neither an Arrow IPC file nor an Arrow IPC stream.
    """
    try:
        if stream.read(6) == b"ARROW1":
            file = pa.ipc.open_file(stream)
            batches = (file.get_batch(index) for index in range(file.num_record_batches))
            return _tables(file.schema, batches, name)
        stream.seek(0)
        reader = pa.ipc.open_stream(stream)
        return _tables(reader.schema, iter(reader), name)
    except _DAMAGED as error:
        raise CatalogError(
            f"{name} is not a readable Arrow file: {first_line(error).rstrip('.')}"
        ) from error
