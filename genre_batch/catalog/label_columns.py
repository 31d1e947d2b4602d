"""Genres in several columns: a flag for each genre (1, true, yes), or one genre name in each."""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.columns import missing_column_error
from genre_batch.catalog.genre_values import CellState
from genre_batch.catalog.genres import GenreCells, GenreReader
from genre_batch.catalog.nested import without_views
from genre_batch.catalog.reading.several import row_place
from genre_batch.catalog.texts import as_strings, holds_text
from genre_batch.errors import ColumnError, GenreBatchWarning

__all__ = ["find_label_columns", "read_flag", "read_label_columns"]

_YES = frozenset(("true", "t", "yes", "y", "on", "x", "\u2713", "\u2714", "\u2611"))
_NO = frozenset(("false", "f", "no", "n", "off", "-", "\u2717", "\u2718", "\u2610", ""))
_UNKNOWN = frozenset(("nan", "null", "none", "na", "n/a"))
_MINUS_ONE = -2
"""How `_flags` returns -1, which may be a no; -1 is any other unknown value."""


def find_label_columns(names: Sequence[str], wanted: str | Sequence[str]) -> tuple[str, ...]:
    """Find the columns of genres.

    Args:
        names: the catalog's columns.
        wanted: names, also joined by commas; patterns with `*` and `?`; and ranges `FIRST..LAST` in
            the order of the catalog. A column's exact name comes before a pattern or a range.

    Returns:
        The columns, each once, in the order in which they are named.

    Raises:
        ColumnError: there is no such column.
    """
    found: dict[str, None] = {}
    entries = [wanted] if isinstance(wanted, str) else wanted
    parts = [[entry] if entry in names else entry.split(",") for entry in entries]
    for entry in (part.strip() for several in parts for part in several):
        first, dots, last = entry.partition("..")
        if entry in names:
            matches = [entry]
        elif dots and first in names and last in names:
            start, end = names.index(first), names.index(last)
            if start > end:
                raise ColumnError(
                    f"`label_columns` {entry!r}: {last!r} comes before {first!r} in the catalog: "
                    f"name {last}..{first}"
                )
            matches = list(names[start : end + 1])
        else:
            matches = [name for name in names if fnmatch.fnmatchcase(name, entry)]
        if not matches:
            raise missing_column_error(names, (), entry, "label_columns")
        found.update(dict.fromkeys(matches))
    return tuple(found)


def read_label_columns(
    table: pa.Table, columns: Sequence[str], rows: Sequence[int] | None = None
) -> GenreCells:
    """Read columns of genres: flags, where the name of a column is that of its genre, or names.

    A row in which the flag of some genre is null or -1 is unknown as a whole: what is not known is
    not a no. But where rows have 1 and -1 and none has 0, -1 is a no; and where no cell is a no at
    all, null is one in rows that have a genre, which is warned of. A row without any genre is
    empty; in columns of names it is unknown.

    Args:
        table: the catalog.
        columns: the columns, each of flags: 0 and 1, true and false, yes and no; or, if no cell of
            any of them is a flag, each of names, such as `genre_1` and `genre_2`.
        rows: the number of each row, for messages; default: counted from 0.

    Raises:
        ColumnError: a column has another value, or values of a type that holds no flags.
    """
    if (names := _names(table, columns)) is not None:
        return names
    flags = np.stack([_flags(table, name, rows) for name in columns], axis=1)
    if (flags != 0).all() and ((flags == 1).any(axis=1) & (flags == _MINUS_ONE).any(axis=1)).any():
        flags[flags == _MINUS_ONE] = 0
    elif not np.isin(flags, (0, _MINUS_ONE)).any():
        flags = _with_blank_as_no(flags, columns)
    unknown = np.asarray((flags < 0).any(axis=1), dtype=np.bool_)
    labels = np.array(columns, dtype=object)
    genres: list[list[str]] = [
        [] if skip else labels[row > 0].tolist()
        for row, skip in zip(flags, unknown.tolist(), strict=True)
    ]
    states = np.where(
        unknown, CellState.UNKNOWN, np.where(flags.any(axis=1), CellState.LABELED, CellState.EMPTY)
    )
    return _cells(genres, states)


def _cells(genres: list[list[str]], states: npt.NDArray[np.integer[Any]]) -> GenreCells:
    return GenreCells(genres, states.astype(np.int8), GenreReader(), 0, (-1, ""))


def _names(table: pa.Table, columns: Sequence[str]) -> GenreCells | None:
    """Return the genres of columns that hold one name in each cell; None if they hold flags."""
    if not all(holds_text(table.schema.field(name).type) for name in columns):
        return None
    cells = [as_strings(table.column(name)).to_pylist() for name in columns]
    distinct = {text.strip() for text in set().union(*cells) if text is not None}
    names = {text for text in distinct if text not in ("", "-") and read_flag(text) != -1}
    if not names or any(read_flag(text) is not None or _number(text) is not None for text in names):
        return None
    genres = [
        list(dict.fromkeys(name for text in row if text and (name := text.strip()) in names))
        for row in zip(*cells, strict=True)
    ]
    labeled = np.array([bool(row) for row in genres], dtype=np.bool_)
    return _cells(genres, np.where(labeled, CellState.LABELED, CellState.UNKNOWN))


def _with_blank_as_no(flags: npt.NDArray[np.int8], columns: Sequence[str]) -> npt.NDArray[np.int8]:
    """Return flags, of which none is 0, with 0 for -1 in rows that have a 1."""
    blank = (flags < 0) & (flags > 0).any(axis=1, keepdims=True)
    if blank.any():
        warnings.warn(
            f"the columns {', '.join(columns[:3])}{' and others' if len(columns) > 3 else ''} of "
            f"`label_columns` hold yes or nothing: blank cells are read as no in rows that have a "
            f"genre; rows without any are left out, unless they have 0 in these columns",
            GenreBatchWarning,
            stacklevel=4,
        )
    return np.where(blank, np.int8(0), flags)


def _flags(table: pa.Table, name: str, rows: Sequence[int] | None) -> npt.NDArray[np.int8]:
    """Return (rows,) int8: 1, 0, or where nothing is known -1, for a -1 itself `_MINUS_ONE`."""
    column = _encoded(table.column(name), name)
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    cells = column.dictionary.to_pylist()
    values = [_MINUS_ONE if _number(str(cell)) == -1 else read_flag(cell) for cell in cells]
    for code, value in enumerate(values):
        if value is None:
            row = int(np.flatnonzero(codes == code)[0])
            row = row if rows is None else rows[row]
            text = column.dictionary[code].as_py()
            raise ColumnError(
                f"the column {name!r} of `label_columns` holds {text!r} in "
                f"{row_place(table, row)}: write 0 or 1, true or false, or yes or no, or leave the "
                f"column out"
            )
    return np.asarray(np.array([*values, -1], dtype=np.int8)[codes], dtype=np.int8)


def _encoded(column: pa.ChunkedArray, name: str) -> pa.DictionaryArray:
    """Return a column as a dictionary of the values that occur in it.

    Raises:
        ColumnError: its type can hold no flags.
    """
    array = without_views(column.combine_chunks())
    while isinstance(array.type, pa.BaseExtensionType) or pa.types.is_dictionary(array.type):
        is_coded = pa.types.is_dictionary(array.type)
        array = array.dictionary_decode() if is_coded else array.storage
    kind = array.type
    if pa.types.is_decimal(kind):  # Arrow cannot encode narrow ones
        array = array.cast(pa.decimal256(kind.precision, kind.scale))
    is_time = pa.types.is_temporal(kind) and array.null_count < len(array)
    if pa.types.is_nested(kind) or is_time:
        raise ColumnError(
            f"the column {name!r} of `label_columns` holds {column.type}: name columns that hold 0 "
            f"and 1, or names; a single column that holds all genres of a row is `genre_column`"
        )
    return array.dictionary_encode()


def read_flag(value: object) -> int | None:
    """Return 1 for yes, 0 for no, -1 where nothing is known, None for a value of another kind."""
    text = str(value).strip().lower()
    if text in _YES:
        return 1
    if text in _NO:
        return 0
    if text in _UNKNOWN:
        return -1
    number = _number(text)
    return int(number) if number in (0, 1, -1) else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
