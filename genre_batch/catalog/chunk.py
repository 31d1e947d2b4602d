"""A batch of a catalog's rows, as readers yield them and writers accept them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.texts import as_strings, is_blank, is_blank_value

__all__ = ["Chunk", "JsonLinesChunk", "TableChunk"]


def _string_or_none(value: object) -> str | None:
    """Return `value` if it is a string, with lone surrogates (invalid in UTF-8) replaced."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class TableChunk:
    """Rows as an Arrow table, as read from CSV, TSV, Parquet and Arrow files.

    Attributes:
        table: the rows.
        short_rows: the number of rows that had too few fields and were padded with nulls.
        texts: by column, (rows,) strings, where the column's texts are not simply its own cells:
            a CSV column that was converted to numbers, or JSON values of several types, of which
            only the strings are text.
    """

    table: pa.Table
    short_rows: int = 0
    texts: Mapping[str, pa.Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names, in the catalog's order."""
        return tuple(self.table.column_names)

    def strings(self, name: str) -> pa.Array:
        """Return the texts of one column, as in `as_strings`; all null if there is no column."""
        if name in self.texts:
            return self.texts[name]
        if name not in self.columns:
            return pa.nulls(len(self), pa.string())
        return as_strings(self.table.column(name))

    def blank(self, name: str) -> npt.NDArray[np.bool_]:
        """Return (rows,) bool: true where the cell is empty, as in `is_blank`, or missing."""
        if name not in self.columns:
            return np.ones(len(self), dtype=np.bool_)
        return is_blank(self.table.column(name))

    def head(self, rows: int) -> TableChunk:
        """Return the first `rows` rows."""
        texts = {name: column.slice(0, rows) for name, column in self.texts.items()}
        return TableChunk(self.table.slice(0, rows), min(self.short_rows, rows), texts)

    def take(self, positions: Sequence[int]) -> TableChunk:
        """Return the rows at these positions, in this order; a position may be repeated."""
        indices = pa.array(positions, pa.int64())
        texts = {name: column.take(indices) for name, column in self.texts.items()}
        return TableChunk(self.table.take(indices), texts=texts)


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
        """Return (rows,) bool: true where the value is empty, as in `is_blank`, or missing."""
        return np.array([is_blank_value(row.get(name)) for row in self.objects], dtype=np.bool_)

    def head(self, rows: int) -> JsonLinesChunk:
        """Return the first `rows` rows."""
        return JsonLinesChunk(self.lines[:rows], self.objects[:rows])

    def take(self, positions: Sequence[int]) -> JsonLinesChunk:
        """Return the rows at these positions, in this order; a position may be repeated."""
        return JsonLinesChunk(
            [self.lines[row] for row in positions], [self.objects[row] for row in positions]
        )


Chunk = TableChunk | JsonLinesChunk
