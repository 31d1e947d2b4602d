"""One table of the rows of several files, and the file of each row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk, short_in
from genre_batch.catalog.nested import without_views
from genre_batch.catalog.reading.joining import common_type
from genre_batch.catalog.texts import as_strings, holds_text

__all__ = ["files_of", "integers_in", "joined", "missing_columns", "row_place"]

_FILES = b"genre_batch.files"
"""The key of a schema's metadata that holds the name, the number of rows and the missing columns of
each file."""


def joined(files: Sequence[TableChunk], names: Sequence[str]) -> TableChunk:
    """Return the rows of several files with the columns of all, in the order of first appearance.

    A column that a file lacks is null there. One whose types have no common type becomes text:
    numbers as digits, lists and objects as JSON.

    Args:
        files: the rows of each file; those of a single one stay as they are.
        names: the name of each file.
    """
    if len(files) == 1:
        return files[0]
    columns = dict.fromkeys(name for file in files for name in file.columns)
    own_texts = {name for file in files for name in file.texts}
    table: dict[str, pa.ChunkedArray] = {}
    for name in columns:
        kinds = [file.table.schema.field(name).type for file in files if name in file.columns]
        kind = reduce(_common_type, kinds)
        if kind is None:
            own_texts.add(name)
        pieces = [_column(file, name, kind) for file in files]
        table[name] = pa.chunked_array(pieces, pa.string() if kind is None else kind)
    described = []
    for name, file in zip(names, files, strict=True):
        # JSON Lines without a row have no columns.
        missing = [column for column in columns if len(file) and column not in file.columns]
        described.append((name, len(file), missing))
    return TableChunk(
        pa.table(table).replace_schema_metadata({_FILES: json.dumps(described)}),
        short_in(files),
        {name: pa.concat_arrays([_texts(file, name) for file in files]) for name in own_texts},
    )


def _common_type(left: pa.DataType | None, right: pa.DataType) -> pa.DataType | None:
    # Compared with None: a struct without fields is false.
    return None if left is None else common_type(left, right)


def _column(file: TableChunk, name: str, kind: pa.DataType | None) -> pa.Array:
    """Return a column in another type; as text without one."""
    if name not in file.columns:
        return pa.nulls(len(file), pa.string() if kind is None else kind)
    column = file.table.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks)
    if column.type == kind:
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kind is not None:
        return column.cast(kind)
    if holds_text(column.type):
        return as_strings(column)
    values = without_views(column).to_pylist()
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _texts(file: TableChunk, name: str) -> pa.Array:
    return file.strings(name).cast(pa.string())


def _described(table: pa.Table) -> list[tuple[str, int, list[str]]]:
    files: list[tuple[str, int, list[str]]] = json.loads(
        (table.schema.metadata or {}).get(_FILES, b"[]")
    )
    return files


def files_of(table: pa.Table) -> list[tuple[str, int]]:
    """Return the name and the number of rows of each file; none for a catalog in one file."""
    return [(name, rows) for name, rows, _ in _described(table)]


def missing_columns(table: pa.Table) -> dict[str, list[str]]:
    """Return file -> the columns of other files that it lacks."""
    return {name: missing for name, _, missing in _described(table)}


def integers_in(table: pa.Table, column: str) -> list[int]:
    """Return the integers in a column, also those that are written as text or as `3.0` in floats.

    Raises:
        ValueError: a value is not an integer of 64 bits; the message names its row.
    """
    numbers: list[int] = []
    for row, value in enumerate(table.column(column).to_pylist()):
        number = _integer(value)
        if number is None or not -(2**63) <= number < 2**63:
            raise ValueError(
                f"{row_place(table, row)} has {value!r} in the column {column!r}, which is not a "
                f"whole number"
            )
        numbers.append(number)
    return numbers


def _integer(value: object) -> int | None:
    """Return the integer that a value is, or is written as; None for all else, also for a truth."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str | bytes):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if isinstance(value, str | bytes) or number == value else None


def row_place(table: pa.Table, row: int) -> str:
    """Return where a row is, for messages: its number, and its file if there are several."""
    for name, rows in files_of(table):
        if row < rows:
            return f"row {row} of {name} (counted from 0)"
        row -= rows
    return f"row {row} (counted from 0)"
