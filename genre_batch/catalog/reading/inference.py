"""Convert CSV columns to numbers, booleans, dates and times if every cell allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.frame import as_frame

__all__ = ["Types", "cast_columns", "infer_types"]

_TRUTH = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}

_CODE = r"^(?:\+|-?0[0-9]|-0$)"
"""A code, such as a phone number or a ZIP code, whose sign or zeros a number would lose."""


def _integer(cell: pl.Expr) -> pl.Expr:
    """Cast to int64; null where a sign or a leading zero would be lost."""
    return pl.when(~cell.str.contains(_CODE)).then(cell.cast(pl.Int64, strict=False))


def _number(cell: pl.Expr) -> pl.Expr:
    """Cast to float64; null where digits or a sign would be lost, or of too large a number."""
    value = cell.cast(pl.Float64, strict=False)
    # The shortest text of the float has the same digits if, and only if, it gives them back.
    fits = _significant(cell) == _significant(value.cast(pl.String))
    fits &= ~cell.str.contains(_CODE)
    # From 2 ** 53 on, a float64 does not hold every whole number.
    fits &= cell.str.contains(r"[^0-9+-]") | (value.abs() < float(2**53))
    return pl.when(fits).then(value)


def _significant(text: pl.Expr) -> pl.Expr:
    """Return the digits of numbers without sign, point, exponent and zeros at either end."""
    mantissa = text.str.replace("[eE].*$", "").str.replace_all(r"[^0-9]", "")
    return mantissa.str.strip_chars("0")


# Each cast returns null for a cell of another type; the first that fits a column is used.
_CASTS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "integer": _integer,
    "number": _number,
    "boolean": lambda cell: cell.replace_strict(_TRUTH, default=None, return_dtype=pl.Boolean),
    "date": lambda cell: cell.str.to_date("%Y-%m-%d", strict=False),
    "time": lambda cell: cell.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False),
    "ISO time": lambda cell: cell.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False
    ),
}

Types = dict[str, str]
"""Column name -> key of `_CASTS`; columns that stay text are absent."""


def infer_types(chunks: Iterable[TableChunk]) -> Types:
    """Return the first type that fits every cell of each column; all rows are read."""
    possible: dict[str, list[str]] = {}
    filled: set[str] = set()
    for chunk in chunks:
        frame = as_frame(chunk.table)
        for column in frame.get_columns():
            kinds = possible.setdefault(column.name, list(_CASTS))
            if column.null_count() == len(column):
                continue
            filled.add(column.name)
            cast = column.to_frame().select(
                _CASTS[kind](pl.col(column.name)).alias(kind) for kind in kinds
            )
            possible[column.name] = [
                kind for kind in kinds if cast[kind].null_count() == column.null_count()
            ]
    return {name: kinds[0] for name, kinds in possible.items() if kinds and name in filled}


def cast_columns(chunk: TableChunk, types: Types) -> TableChunk:
    """Return the chunk with each of its columns converted to its type.

    Args:
        chunk: rows of one file.
        types: of the columns of all files, so that a file may lack some.
    """
    types = {name: kind for name, kind in types.items() if name in chunk.columns}
    frame = as_frame(chunk.table).with_columns(
        _CASTS[kind](pl.col(name)) for name, kind in types.items()
    )
    table = chunk.table
    for name in types:
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, frame[name].to_arrow())
    # The model reads the cells as they are spelled, whatever is written.
    texts = {name: chunk.strings(name) for name in types}
    return TableChunk(table, chunk.short, texts, first_short=chunk.first_short)
