"""A batch of a catalog's rows, as readers yield them and writers accept them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Chunk", "JsonLinesChunk", "TableChunk", "as_strings"]


def _string_or_none(value: object) -> str | None:
    """Return `value` if it is a string, with lone surrogates (invalid in UTF-8) replaced."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def as_strings(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return a column as strings; null where the value is null or the type is not a string."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return pa.nulls(len(column), pa.string())


@dataclass(frozen=True)
class TableChunk:
    """Rows as an Arrow table, as read from CSV, TSV, Parquet and Arrow files.

    Attributes:
        table: the rows.
        short_rows: the number of rows that had too few fields and were padded with nulls.
    """

    table: pa.Table
    short_rows: int = 0

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names, in the catalog's order."""
        return tuple(self.table.column_names)

    def strings(self, name: str) -> pa.Array:
        """Return one column as in `as_strings`; all null if there is no such column."""
        if name not in self.columns:
            return pa.nulls(len(self), pa.string())
        return as_strings(self.table.column(name))

    def blank(self, name: str) -> npt.NDArray[np.bool_]:
        """Return (rows,) bool: true where the cell is null, `""`, `[]` or missing."""
        if name not in self.columns:
            return np.ones(len(self), dtype=np.bool_)
        column = self.table.column(name).combine_chunks()
        blank = pc.is_null(column)
        kind = column.type
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            blank = pc.or_kleene(blank, pc.equal(pc.list_value_length(column), 0))
        else:
            blank = pc.or_kleene(blank, pc.equal(as_strings(column), ""))
        return np.asarray(blank.fill_null(False))

    def head(self, rows: int) -> TableChunk:
        """Return the first `rows` rows."""
        return TableChunk(self.table.slice(0, rows), min(self.short_rows, rows))

    def take(self, positions: Sequence[int]) -> TableChunk:
        """Return the rows at these positions, in this order; a position may be repeated."""
        return TableChunk(self.table.take(pa.array(positions, pa.int64())))


@dataclass(frozen=True)
class JsonLinesChunk:
    """Rows as parsed JSON objects, together with the bytes of their lines.

    The bytes are written back, so that keys, order, numbers and spelling stay as they are.

    Attributes:
        lines: the bytes of each row's object, without leading or trailing white space.
        objects: the same rows, parsed.
    """

    lines: list[bytes]
    objects: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every key of these rows, in order of first appearance."""
        return tuple(dict.fromkeys(key for row in self.objects for key in row))

    def strings(self, name: str) -> pa.Array:
        """Return one key as strings; null where the key is missing or the value is not a string."""
        return pa.array([_string_or_none(row.get(name)) for row in self.objects], pa.string())

    def blank(self, name: str) -> npt.NDArray[np.bool_]:
        """Return (rows,) bool: true where the value is null, `""`, `[]` or missing."""
        return np.array([row.get(name) in (None, "", []) for row in self.objects], dtype=np.bool_)

    def head(self, rows: int) -> JsonLinesChunk:
        """Return the first `rows` rows."""
        return JsonLinesChunk(self.lines[:rows], self.objects[:rows])

    def take(self, positions: Sequence[int]) -> JsonLinesChunk:
        """Return the rows at these positions, in this order; a position may be repeated."""
        return JsonLinesChunk(
            [self.lines[row] for row in positions], [self.objects[row] for row in positions]
        )


Chunk = TableChunk | JsonLinesChunk
