"""A batch of a catalog's rows, as readers yield them and writers accept them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.nested import taken
from genre_batch.catalog.texts import as_strings, is_blank, is_blank_value

__all__ = ["Chunk", "JsonLinesChunk", "TableChunk", "short_in"]


def _string_or_none(value: object) -> str | None:
    """Return `value` if it is a string, with lone surrogates (invalid in UTF-8) replaced."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _without_nulls(column: pa.Array, nulls: Sequence[str]) -> pa.Array:
    """Return a column of strings with null in place of each of the texts `nulls`."""
    if not nulls:
        return column
    is_null = pc.is_in(column, pa.array(nulls, column.type))
    return pc.if_else(is_null, pa.scalar(None, column.type), column)


@dataclass(frozen=True)
class TableChunk:
    """Rows as an Arrow table, as read from CSV, TSV, Parquet and Arrow files.

    Attributes:
        table: the rows.
        short: the positions of the rows that had too few fields and were padded with nulls.
        texts: by column, (rows,) strings, where the column's texts are not simply its own cells:
            a CSV column that was converted to numbers, or JSON values of several types, of which
            only the strings are text.
        nulls: the texts that mean null; the table has them as they are.
        first_short: the place and the text of the catalog's first short row, if it is one of
            these; otherwise empty.
    """

    table: pa.Table
    short: tuple[int, ...] = ()
    texts: Mapping[str, pa.Array] = field(default_factory=dict)
    nulls: tuple[str, ...] = ()
    first_short: str = ""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def short_rows(self) -> int:
        """The number of rows that had too few fields."""
        return len(self.short)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names, in the catalog's order."""
        return tuple(self.table.column_names)

    def strings(self, name: str) -> pa.Array:
        """Return the texts of one column, as in `as_strings`; all null if there is no column."""
        if name in self.texts:
            return _without_nulls(self.texts[name], self.nulls)
        if name not in self.columns:
            return pa.nulls(len(self), pa.string())
        return _without_nulls(as_strings(self.table.column(name)), self.nulls)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column, with null in place of texts that mean null."""
        column = self.table.column(name)
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not self.nulls or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return column
        return pa.chunked_array([_without_nulls(as_strings(column), self.nulls)], pa.string())

    def with_real_nulls(self) -> TableChunk:
        """Return the rows with null in place of texts that mean null."""
        if not self.nulls:
            return self
        table = pa.table([self.column(name) for name in self.columns], self.columns)
        return replace(self, table=table)

    def blank(self, name: str) -> npt.NDArray[np.bool_]:
        """Return (rows,) bool: true where the cell is empty, as in `is_blank`, or missing."""
        if name not in self.columns:
            return np.ones(len(self), dtype=np.bool_)
        return is_blank(self.column(name))

    def head(self, rows: int) -> TableChunk:
        """Return the first `rows` rows."""
        short = tuple(row for row in self.short if row < rows)
        return replace(
            self,
            table=self.table.slice(0, rows),
            short=short,
            texts={name: column.slice(0, rows) for name, column in self.texts.items()},
            first_short=self.first_short if short else "",
        )

    def take(self, positions: Sequence[int]) -> TableChunk:
        """Return the rows at these positions, in this order; a position may be repeated."""
        indices = pa.array(positions, pa.int64())
        texts = {name: column.take(indices) for name, column in self.texts.items()}
        columns = [taken(column.combine_chunks(), indices) for column in self.table.columns]
        kinds = (
            field.with_type(column.type)
            for field, column in zip(self.table.schema, columns, strict=True)
        )
        schema = pa.schema(kinds, self.table.schema.metadata)
        table = pa.Table.from_arrays(columns, schema=schema)
        return replace(self, table=table, short=(), texts=texts, first_short="")


def short_in(chunks: Iterable[TableChunk]) -> tuple[int, ...]:
    """Return the positions of the rows with too few fields among the rows of chunks in order."""
    short: list[int] = []
    start = 0
    for chunk in chunks:
        short += [start + row for row in chunk.short]
        start += len(chunk)
    return tuple(short)


@dataclass(frozen=True)
class JsonLinesChunk:
    """Rows as parsed JSON objects, together with the bytes of their lines.

    The bytes are written back, so that keys, order, numbers and spelling stay as they are.

    Attributes:
        lines: the bytes of each row's object, without leading or trailing white space.
        objects: the same rows, parsed.
        nulls: the texts that mean null; the rows have them as they are.
    """

    lines: list[bytes]
    objects: list[dict[str, Any]]
    nulls: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every key of these rows, in order of first appearance."""
        return tuple(dict.fromkeys(key for row in self.objects for key in row))

    def strings(self, name: str) -> pa.Array:
        """Return one key as strings; null where the key is missing or the value is not a string."""
        strings = pa.array([_string_or_none(row.get(name)) for row in self.objects], pa.string())
        return _without_nulls(strings, self.nulls)

    def blank(self, name: str) -> npt.NDArray[np.bool_]:
        """Return (rows,) bool: true where the value is empty, as in `is_blank`, or missing."""
        values = (row.get(name) for row in self.objects)
        return np.array(
            [is_blank_value(value) or value in self.nulls for value in values], dtype=np.bool_
        )

    def head(self, rows: int) -> JsonLinesChunk:
        """Return the first `rows` rows."""
        return replace(self, lines=self.lines[:rows], objects=self.objects[:rows])

    def take(self, positions: Sequence[int]) -> JsonLinesChunk:
        """Return the rows at these positions, in this order; a position may be repeated."""
        return replace(
            self,
            lines=[self.lines[row] for row in positions],
            objects=[self.objects[row] for row in positions],
        )


Chunk = TableChunk | JsonLinesChunk
