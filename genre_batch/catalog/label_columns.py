"""One column per genre: 1, true or yes in a column means that a row has its genre."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.columns import missing_column_error
from genre_batch.catalog.genre_values import CellState
from genre_batch.catalog.genres import GenreCells, GenreReader
from genre_batch.catalog.reading.several import row_place
from genre_batch.errors import ColumnError

__all__ = ["find_label_columns", "read_flag", "read_label_columns"]

_YES = frozenset(("1", "1.0", "true", "t", "yes", "y", "x"))
_NO = frozenset(("0", "0.0", "false", "f", "no", "n", ""))
_NEGATIVE = frozenset(("-1", "-1.0"))
_UNKNOWN = _NEGATIVE | frozenset(("nan", "null", "none", "na", "n/a"))
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


def read_label_columns(table: pa.Table, columns: Sequence[str]) -> GenreCells:
    """Read columns of genres; the name of a column is that of its genre.

    A row in which the flag of some genre is null or -1 is unknown as a whole: what is not known is
    not a no. Where rows have 1 and -1 and none has 0, -1 is a no. A row without any genre is empty.

    Args:
        table: the catalog.
        columns: the columns, each of flags: 0 and 1, true and false, yes and no.

    Raises:
        ColumnError: a column has another value.
    """
    flags = np.stack([_flags(table, name) for name in columns], axis=1)
    if (flags != 0).all() and ((flags == 1).any(axis=1) & (flags == _MINUS_ONE).any(axis=1)).any():
        flags[flags == _MINUS_ONE] = 0
    unknown = np.asarray((flags < 0).any(axis=1), dtype=np.bool_)
    labels = np.array(columns, dtype=object)
    genres: list[list[str]] = [
        [] if skip else labels[row > 0].tolist()
        for row, skip in zip(flags, unknown.tolist(), strict=True)
    ]
    states = np.where(
        unknown, CellState.UNKNOWN, np.where(flags.any(axis=1), CellState.LABELED, CellState.EMPTY)
    )
    return GenreCells(genres, states.astype(np.int8), GenreReader(), 0, (-1, ""))


def _flags(table: pa.Table, name: str) -> npt.NDArray[np.int8]:
    """Return (rows,) int8: 1, 0, or where nothing is known -1, for a -1 itself `_MINUS_ONE`."""
    column = table.column(name).combine_chunks().dictionary_encode()
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    cells = column.dictionary.to_pylist()
    values = [_MINUS_ONE if str(cell).strip() in _NEGATIVE else read_flag(cell) for cell in cells]
    for code, value in enumerate(values):
        if value is None:
            row = int(np.flatnonzero(codes == code)[0])
            text = column.dictionary[code].as_py()
            raise ColumnError(
                f"the column {name!r} of `label_columns` holds {text!r} in "
                f"{row_place(table, row)}: write 0 or 1, true or false, or yes or no, or leave the "
                f"column out"
            )
    return np.asarray(np.array([*values, -1], dtype=np.int8)[codes], dtype=np.int8)


def read_flag(value: object) -> int | None:
    """Return 1 for yes, 0 for no, -1 where nothing is known, None for a value of another kind."""
    text = str(value).strip().lower()
    if text in _YES:
        return 1
    if text in _NO:
        return 0
    return -1 if text in _UNKNOWN else None
