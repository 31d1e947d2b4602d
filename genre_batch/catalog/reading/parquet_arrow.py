"""Read Parquet and Arrow IPC into tables, keeping types, nullability and schema metadata.

Files are read with pyarrow, because polars loses dictionary and fixed-size binary types and the
schema's metadata.
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
"""What pyarrow raises on damaged files: a ValueError for names that are not UTF-8, an OverflowError
for impossible sizes."""

_BOMB_BYTES = 1 << 28
_BOMB_RATIO = 500
"""A row group larger than `_BOMB_BYTES` and this many times larger than its file is refused: real
text compresses three- to tenfold, and repeated values are stored once."""


def _tables(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], name: str
) -> Iterator[TableChunk]:
    yield TableChunk(schema.empty_table())
    while True:
        try:
            batch = next(batches, None)
            if batch is not None:
                # A damaged Arrow file may point outside its own buffers.
                batch.validate(full=True)
        except _DAMAGED as error:
            raise CatalogError(f"{name} is damaged: {first_line(error).rstrip('.')}") from error
        if batch is None:
            return
        table = pa.Table.from_batches([batch], schema)
        for start in range(0, table.num_rows, ROWS_PER_CHUNK):
            yield TableChunk(table.slice(start, ROWS_PER_CHUNK))


def read_parquet(stream: BinaryIO, name: str) -> tuple[int, Iterator[TableChunk]]:
    """Read a Parquet file.

    Returns:
        The total number of rows, and tables of at most `ROWS_PER_CHUNK` rows; the first table is
        empty and carries the schema.

    Raises:
        CatalogError: it is not a Parquet file, is damaged, or expands to an unreasonable size.
    """
    try:
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow
    except _DAMAGED as error:
        raise CatalogError(
            f"{name} is not a readable Parquet file: {first_line(error).rstrip('.')}"
        ) from error
    _check_expanded_size(file.metadata, stream.seek(0, io.SEEK_END), name)
    batches = file.iter_batches(batch_size=ROWS_PER_CHUNK)
    return int(file.metadata.num_rows), _tables(schema, batches, name)


def _check_expanded_size(metadata: pq.FileMetaData, size: int, name: str) -> None:
    # The sizes of single columns would be more precise, but reading them from a damaged file
    # ends the process (pyarrow 26 does not catch an exception of its own constructor).
    for number in range(metadata.num_row_groups):
        expanded = metadata.row_group(number).total_byte_size
        if expanded > _BOMB_BYTES and expanded > _BOMB_RATIO * size:
            raise CatalogError(
                f"{name} is too large to read: row group {number + 1} expands to {expanded:,} "
                f"bytes, from a file of {size:,}"
            )


def read_arrow(stream: BinaryIO, name: str) -> Iterator[TableChunk]:
    """Read an Arrow IPC file or stream into tables, as `read_parquet` does.

    Raises:
        CatalogError: it is neither an Arrow IPC file nor an Arrow IPC stream.
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
