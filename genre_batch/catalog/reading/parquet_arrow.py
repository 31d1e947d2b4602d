"""Read Parquet and Arrow IPC into tables, keeping types, nullability and schema metadata.

Files are read with pyarrow, because polars loses dictionary and fixed-size binary types and the
schema's metadata.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.nested import children
from genre_batch.catalog.other_kinds import kind_of_other_file
from genre_batch.catalog.stretches import Stretch
from genre_batch.errors import CatalogError, first_line

__all__ = ["DAMAGED", "ROWS_PER_CHUNK", "read_arrow", "read_parquet"]

ROWS_PER_CHUNK = 2048

DAMAGED = (pa.ArrowException, OSError, ValueError, OverflowError)
"""What pyarrow raises on damaged files: a ValueError for names that are not UTF-8, an OverflowError
for impossible sizes."""

_UNREADABLE = ("month_interval", "day_time_interval")

_COPY_AGAIN = "copy or write the file again"
_NOT_READABLE = f"{_COPY_AGAIN}, or set `input_format` if its format is another one"

_HEAD_BYTES = 4096

_BOMB_BYTES = 1 << 28
_BOMB_RATIO = 500
"""A row group larger than `_BOMB_BYTES` and this many times larger than its file is refused: real
text compresses three- to tenfold, and repeated values are stored once."""


def _tables(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], name: str, limit: int | None
) -> Iterator[TableChunk]:
    try:
        _names(schema)
        _check_schema(schema, name)
    except UnicodeDecodeError as error:
        raise CatalogError(
            f"{name} is damaged: the name of a column is not UTF-8: {_COPY_AGAIN}"
        ) from error
    is_first = True
    left = limit
    while is_first or left != 0:
        try:
            batch = next(batches, None)
            if batch is not None:
                batch = batch.slice(0, left)
                # A damaged Arrow file may point outside its own buffers.
                batch.validate(full=True)
        except DAMAGED as error:
            raise CatalogError(
                f"{name} is damaged: {first_line(error).rstrip('.')}: {_COPY_AGAIN}"
            ) from error
        if is_first:
            yield TableChunk(_empty_table(schema, batch, name))
            is_first = False
        if batch is None:
            return
        left = None if left is None else left - len(batch)
        table = pa.Table.from_batches([batch], schema)
        for start in range(0, table.num_rows, ROWS_PER_CHUNK):
            yield TableChunk(table.slice(start, ROWS_PER_CHUNK))


def _names(fields: Iterable[pa.Field]) -> list[str]:
    """Return the names of fields and of those inside of them.

    Raises:
        UnicodeDecodeError: one is not UTF-8; pyarrow looks at it only now.
    """
    return [name for field in fields for name in (field.name, *_names(children(field.type)))]


def _check_schema(schema: pa.Schema, name: str) -> None:
    """Check that the columns have distinct names, and types that pyarrow can read."""
    duplicate = next((column for column, count in Counter(schema.names).items() if count > 1), None)
    if duplicate is not None:
        raise CatalogError(f"{name} has a duplicate column {duplicate!r}: rename one")
    for field in schema:
        if _is_unreadable(field.type):
            raise CatalogError(
                f"{name}: the column {field.name!r} of type {field.type} cannot be read: remove "
                f"it, or convert it to month_day_nano_interval or text"
            )


def _is_unreadable(kind: pa.DataType) -> bool:
    """Return whether pyarrow has no arrays of a type, or of a type inside of it."""
    if isinstance(kind, pa.BaseExtensionType):
        return _is_unreadable(kind.storage_type)
    return str(kind) in _UNREADABLE or any(_is_unreadable(field.type) for field in children(kind))


def _empty_table(schema: pa.Schema, batch: pa.RecordBatch | None, name: str) -> pa.Table:
    """Return no rows of a schema; those of a batch, because Arrow makes no unions from nothing."""
    if batch is not None:
        return pa.Table.from_batches([batch.slice(0, 0)], schema)
    try:
        return schema.empty_table()
    except pa.ArrowNotImplementedError as error:
        raise CatalogError(
            f"{name} has no rows, and a column of a type that needs some ({first_line(error)}): "
            f"remove the column"
        ) from error


def read_parquet(
    stream: BinaryIO, name: str, limit: int | None = None, stretch: Stretch | None = None
) -> tuple[int, Iterator[TableChunk]]:
    """Read a Parquet file.

    Args:
        stream: the file.
        name: its name, for messages.
        limit: the number of rows to read; None: all. Those that follow are not looked at.
        stretch: the row groups to read; None: all.

    Returns:
        The number of rows in them, and tables of at most `ROWS_PER_CHUNK` rows; the first table is
        empty and carries the schema.

    Raises:
        CatalogError: it is not a Parquet file, is damaged, or expands to an unreasonable size.
    """
    try:
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow
    except DAMAGED as error:
        raise _not_readable(stream, name, "Parquet", error) from error
    _check_expanded_size(file.metadata, stream.seek(0, io.SEEK_END), name, limit)
    groups, rows = None, file.metadata.num_rows
    if stretch is not None:
        groups = list(range(stretch.start, stretch.end))
        rows = sum(file.metadata.row_group(number).num_rows for number in groups)
    batches = file.iter_batches(batch_size=_rows_per_batch(limit), row_groups=groups)
    return int(rows), _tables(schema, batches, name, limit)


def _not_readable(stream: BinaryIO, name: str, kind: str, error: Exception) -> CatalogError:
    """Return the error for a file of another kind, which is named if it is known, or damaged."""
    head = b"?"
    with contextlib.suppress(OSError, ValueError):
        stream.seek(0)
        head = stream.read(_HEAD_BYTES)
    own = b"PAR1" if kind == "Parquet" else b"ARROW1"
    other = "" if head.startswith(own) else kind_of_other_file(head, name)
    reason = first_line(error).rstrip(".")
    return CatalogError(other or f"{name} is not a readable {kind} file: {reason}: {_NOT_READABLE}")


def _rows_per_batch(limit: int | None) -> int:
    """Return a number of rows per batch, at most `ROWS_PER_CHUNK`, that ends with the limit."""
    if limit is None:
        return ROWS_PER_CHUNK
    limit = max(1, limit)
    return math.ceil(limit / math.ceil(limit / ROWS_PER_CHUNK))


def _check_expanded_size(
    metadata: pq.FileMetaData, size: int, name: str, limit: int | None
) -> None:
    # The sizes of single columns would be more precise, but reading them from a damaged file
    # ends the process (pyarrow 26 does not catch an exception of its own constructor).
    rows = 0
    for number in range(metadata.num_row_groups):
        if limit is not None and rows >= limit:
            return
        rows += metadata.row_group(number).num_rows
        expanded = metadata.row_group(number).total_byte_size
        if expanded > _BOMB_BYTES and expanded > _BOMB_RATIO * size:
            raise CatalogError(
                f"{name} is too large to read: row group {number + 1} expands to {expanded:,} "
                f"bytes, from a file of {size:,}: write it again with smaller row groups"
            )


def read_arrow(
    stream: BinaryIO, name: str, limit: int | None = None, stretch: Stretch | None = None
) -> Iterator[TableChunk]:
    """Read an Arrow IPC file or stream into tables, as `read_parquet` does.

    A stretch is of the batches of a file.

    Raises:
        CatalogError: it is neither an Arrow IPC file nor an Arrow IPC stream.
    """
    try:
        if stream.read(6) == b"ARROW1":
            file = pa.ipc.open_file(stream)
            first, end = 0, file.num_record_batches
            if stretch is not None:
                first, end = stretch.start, stretch.end
            batches = (file.get_batch(index) for index in range(first, end))
            return _tables(file.schema, batches, name, limit)
        stream.seek(0)
        reader = pa.ipc.open_stream(stream)
        return _tables(reader.schema, iter(reader), name, limit)
    except DAMAGED as error:
        raise _not_readable(stream, name, "Arrow", error) from error
