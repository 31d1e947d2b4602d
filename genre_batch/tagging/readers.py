"""Streams of record batches of other libraries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from genre_batch.errors import UsageError
from genre_batch.tagging.frames import (
    NOT_TABLES,
    as_arrow_table,
    check_columns,
    not_a_table_error,
)

__all__ = ["as_reader"]


def as_reader(data: Any) -> pa.RecordBatchReader:
    """Return the batches of a table, a stream or an iterator of batches.

    Raises:
        UsageError: it is none of these.
    """
    if isinstance(data, pa.RecordBatchReader):
        return data
    if isinstance(data, pl.DataFrame | pl.LazyFrame):
        _check_no_objects(data.collect_schema())
    if isinstance(data, pl.LazyFrame):
        return _lazy_reader(data)
    if isinstance(data, Iterator):
        return _reader_of(data)
    if hasattr(data, "scanner"):  # a pyarrow.dataset.Dataset
        data = data.scanner()
    if isinstance(data, Mapping):
        check_columns(data)
        data = as_arrow_table(data)
    if hasattr(data, "to_reader"):  # of pyarrow: a Table or a Scanner
        return data.to_reader()
    if isinstance(data, NOT_TABLES) or not hasattr(data, "__arrow_c_stream__"):
        return as_arrow_table(data).to_reader()
    try:
        return pa.RecordBatchReader.from_stream(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise not_a_table_error(data, error) from error


def _check_no_objects(schema: Mapping[str, pl.DataType]) -> None:
    """Check that a frame of polars has no Python objects: in Arrow they become their addresses.

    Raises:
        UsageError: it has.
    """
    for name, kind in schema.items():
        if kind == pl.Object:
            raise UsageError(
                f"the column {name!r} holds Python objects, which batches cannot: convert or drop "
                f"it, or use tag_table"
            )


def _lazy_reader(frame: pl.LazyFrame) -> pa.RecordBatchReader:
    schema = pl.DataFrame(schema=frame.collect_schema()).to_arrow().schema
    batches = (
        batch
        for piece in frame.collect_batches(maintain_order=True, lazy=True)
        for batch in piece.to_arrow().cast(schema).to_batches()
    )
    return pa.RecordBatchReader.from_batches(schema, batches)


def _reader_of(batches: Iterator[Any]) -> pa.RecordBatchReader:
    first = next(batches, None)
    if not isinstance(first, pa.RecordBatch):
        kind = "nothing" if first is None else type(first).__name__
        raise UsageError(f"`data` must yield pyarrow record batches, got {kind}")

    def checked() -> Iterator[pa.RecordBatch]:
        for batch in itertools.chain([first], batches):
            if batch.schema != first.schema:
                raise UsageError("`data` yields batches of different schemas: cast them to one")
            yield batch

    return pa.RecordBatchReader.from_batches(first.schema, checked())
