"""Write a catalog again with other labels in some rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TypeVar

import numpy as np
import pyarrow as pa

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.nested import is_list, taken
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.charset import resolved
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.records import CsvRecords, LineRecords, Records
from genre_batch.catalog.rejects import ignore_reject
from genre_batch.catalog.writing.encoder import Encoder
from genre_batch.catalog.writing.refusal import naming

__all__ = ["copy_bytes", "is_copied", "write_objects", "write_rows"]

Cells = Mapping[str, Any]
Progress = Callable[[int], None]
_Edit = TypeVar("_Edit")


def is_copied(source: Location, reading: ReadingOptions) -> bool:
    """Return whether the records of a text catalog stand one after the other, so that it is copied.

    JSON that is an array, or has objects over several lines, is written as one object per line.

    Raises:
        CatalogError: it cannot be read.
    """
    if source.format is not Format.JSONL:
        return source.format.is_text
    with source.open_raw() as raw:
        stream, encoding = resolved(source.decompress(raw), reading.encoding, source.name)
        return LineRecords(stream, source.name, encoding).is_lines


def copy_bytes(
    source: Location,
    reading: ReadingOptions,
    edits: Mapping[int, Cells | bytes],
    output: BinaryIO,
    progress: Progress,
) -> None:
    """Copy a text catalog with every byte as it is, except for some cells.

    Args:
        source: CSV, TSV or JSON Lines.
        reading: how to read it.
        edits: row -> column -> the new text of its cell; in JSON Lines, row -> the new object.
        output: where to write.
        progress: called with the number of rows written, after each block.

    Raises:
        CatalogError: it cannot be read, or its encoding or quoting cannot hold a new cell.
    """
    with source.open_raw() as raw:
        stream, encoding = resolved(source.decompress(raw), reading.encoding, source.name)
        records: CsvRecords | LineRecords
        if source.format is Format.JSONL:
            records = LineRecords(stream, source.name, encoding)
        else:
            dialect = reading.dialect(source.format, encoding)
            records = CsvRecords(stream, source.name, dialect)
        rows = np.array(sorted(edits), dtype=np.int64)
        seen = 0
        for block in records.blocks():
            first, last = np.searchsorted(rows, (seen, seen + block.rows))
            changes = {}
            for row in rows[first:last].tolist():
                span, new = _changed(records, block, row - seen, edits[row])
                changes[span] = new
            if isinstance(records, CsvRecords):
                records.check(block, changes)
            output.write(block.replaced(changes))
            seen += block.rows
            progress(seen)


def _changed(
    records: CsvRecords | LineRecords, block: Records, index: int, edit: Cells | bytes
) -> tuple[tuple[int, int], bytes]:
    if isinstance(records, LineRecords):
        assert isinstance(edit, bytes)
        return block.record_spans[index], edit
    assert not isinstance(edit, bytes)
    cells = {records.columns.index(name): text or "" for name, text in edit.items()}
    return records.record(block, index, cells)


def write_rows(
    sources: Sequence[Location],
    options: ReadOptions,
    edits: Mapping[int, Cells],
    encoder: Encoder,
    progress: Progress,
) -> None:
    """Write the rows of a catalog in another format or spelling.

    Args:
        sources: the files of the catalog.
        options: how to read them, as tables.
        edits: row -> column -> new value.
        encoder: writes them.
        progress: called with the number of rows written, after each chunk.

    Raises:
        CatalogError: it cannot be read, or a column cannot hold a new value.
    """
    for chunk, changed in _chunks(sources, options, edits, progress):
        assert isinstance(chunk, TableChunk)
        encoder.write(chunk, _replaced(chunk, changed))


def write_objects(
    sources: Sequence[Location],
    options: ReadOptions,
    edits: Mapping[int, bytes],
    output: BinaryIO,
    progress: Progress,
) -> None:
    """Write JSON objects, one per line, with their own bytes.

    Args:
        sources: the files of a catalog of JSON.
        options: how to read them, as objects.
        edits: row -> the new object.
        output: where to write.
        progress: called with the number of rows written, after each chunk.

    Raises:
        CatalogError: it cannot be read.
    """
    for chunk, changed in _chunks(sources, options, edits, progress):
        assert isinstance(chunk, JsonLinesChunk)
        lines = [*chunk.lines, b""]
        for index, new in changed.items():
            lines[index] = new
        output.write(b"\n".join(lines))


def _chunks(
    sources: Sequence[Location],
    options: ReadOptions,
    edits: Mapping[int, _Edit],
    progress: Progress,
) -> Iterator[tuple[Chunk, dict[int, _Edit]]]:
    """Yield each chunk and its edits, by their places in the chunk."""
    rows = np.array(sorted(edits), dtype=np.int64)
    seen = 0
    with CatalogReader(sources, options, ignore_reject) as reader:
        for chunk in reader.chunks():
            first, last = np.searchsorted(rows, (seen, seen + len(chunk)))
            yield chunk, {row - seen: edits[row] for row in rows[first:last].tolist()}
            seen += len(chunk)
            progress(seen)


def _replaced(chunk: TableChunk, edits: Mapping[int, Any]) -> pa.Table:
    """Return the columns of a chunk in which values are replaced."""
    values: dict[str, dict[int, Any]] = {}
    for index, cells in edits.items():
        for name, value in cells.items():
            values.setdefault(name, {})[index] = value
    fields = [field for field in chunk.table.schema if field.name in values]
    columns = []
    for field in fields:
        new = values[field.name]
        with naming(field):
            column = chunk.table.column(field.name).combine_chunks()
            places = np.arange(len(column), dtype=np.int64)
            places[list(new)] = len(column) + np.arange(len(new))
            replaced = _array(list(new.values()), column.type)
            columns.append(taken(pa.concat_arrays([column, replaced]), pa.array(places)))
    return pa.table(columns, schema=pa.schema(fields))


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return new cells; those of lists of integers have ids, which a review has as texts."""
    if is_list(kind) and pa.types.is_integer(kind.value_type):
        values = [cell if cell is None else [int(item) for item in cell] for cell in values]
    return pa.array(values, kind)
