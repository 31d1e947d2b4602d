"""Read a whole catalog, in one file or in several, into memory."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk, short_in
from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.several import joined
from genre_batch.catalog.reading.unreadable import PaddedRows, handled_rejects
from genre_batch.catalog.rejects import Reject

__all__ = ["read_chunk", "read_table"]


def read_table(location: Location, reading: ReadingOptions | None = None) -> pa.Table:
    """Read a whole catalog into memory, as one table; arguments and errors as in `read_chunk`."""
    return read_chunk(location, reading).table


def read_chunk(location: Location, reading: ReadingOptions | None = None) -> TableChunk:
    """Read a whole catalog into memory: for training and evaluation, not for tagging.

    Texts that mean null are null. Rows that cannot be read, or have too few fields, are warned of.
    The rows of several files have all their columns, as `joined` joins them.

    Args:
        location: what to read.
        reading: how; default: `ReadingOptions()`.

    Raises:
        CatalogError: it cannot be read, or no row of it can.
    """
    reading = reading or ReadingOptions()
    padded = PaddedRows()
    with handled_rejects(location, reading) as on_reject:
        files = [_read_file(file, reading, on_reject, padded) for file in location.each_file]
    padded.warn()
    return joined(files, [file.name for file in location.each_file])


def _read_file(
    location: Location,
    reading: ReadingOptions,
    on_reject: Callable[[Reject], None],
    padded: PaddedRows,
) -> TableChunk:
    options = ReadOptions(as_table=True, reading=reading)
    with CatalogReader([location], options, on_reject) as reader:
        chunks = [chunk for chunk in reader.chunks() if isinstance(chunk, TableChunk)]
    for chunk in chunks:
        padded.add(chunk)
    names = {name for chunk in chunks for name in chunk.texts}
    return TableChunk(
        pa.concat_tables([chunk.with_real_nulls().table for chunk in chunks]),
        short_in(chunks),
        {name: pa.concat_arrays([chunk.strings(name) for chunk in chunks]) for name in names},
    )
