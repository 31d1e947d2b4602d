"""Parquet and Arrow IPC -> tables that keep types, nullability and schema metadata.

pyarrow reads them, not polars, which would lose dictionary and fixed-size binary types and the
schema's metadata on the way through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.chunk import TableChunk
from genre_batch.errors import CatalogError

__all__ = ["ROWS_PER_CHUNK", "read_arrow", "read_parquet"]

ROWS_PER_CHUNK = 2048

_BOMB_BYTES = 1 << 28
_BOMB_RATIO = 500
"""A column that is larger than the first and was compressed to less than one part in the second is
no catalog's: real text shrinks three- to tenfold, and repeated values are not stored repeatedly."""


def _tables(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], name: str
) -> Iterator[TableChunk]:
    yield TableChunk(schema.empty_table())
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{name} is damaged: {_first_line(error)}") from error
        if batch is None:
            return
        table = pa.Table.from_batches([batch], schema)
        for start in range(0, table.num_rows, ROWS_PER_CHUNK):
            yield TableChunk(table.slice(start, ROWS_PER_CHUNK))


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")


def read_parquet(stream: BinaryIO, name: str) -> tuple[int, Iterator[TableChunk]]:
    """(rows in all, tables of at most `ROWS_PER_CHUNK` rows; the first is empty, for the schema).

    Raises:
        CatalogError: not a Parquet file, a damaged one, or one that expands beyond reason.
    """
    try:
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(
            f"{name} is not a readable Parquet file: {_first_line(error)}"
        ) from error
    _refuse_bombs(file.metadata, name)
    batches = file.iter_batches(batch_size=ROWS_PER_CHUNK)
    return int(file.metadata.num_rows), _tables(schema, batches, name)


def _refuse_bombs(metadata: pq.FileMetaData, name: str) -> None:
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for at in range(row_group.num_columns):
            column = row_group.column(at)
            size = column.total_uncompressed_size
            if size > _BOMB_BYTES and size > _BOMB_RATIO * column.total_compressed_size:
                raise CatalogError(
                    f"{name} is not read: its column {column.path_in_schema!r} expands from "
                    f"{column.total_compressed_size:,} to {size:,} bytes in row group {group + 1}"
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
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{name} is not a readable Arrow file: {_first_line(error)}") from error
