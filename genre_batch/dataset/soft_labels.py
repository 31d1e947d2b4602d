"""Soft labels: a column that holds a list of probabilities, one for each genre."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.reading.several import row_place
from genre_batch.catalog.texts import as_strings, holds_text
from genre_batch.errors import CatalogError

__all__ = ["read_soft_labels"]


def read_soft_labels(
    table: pa.Table, column: str, names: list[str], name: str
) -> npt.NDArray[np.float32] | None:
    """Read the probabilities of each row.

    Args:
        table: a catalog.
        column: its column of lists: Arrow lists of numbers, or texts that hold JSON lists. One
            number for each genre, in the order of `names`; null or NaN where nothing is known.
        names: the genres, sorted.
        name: the catalog's name, for messages.

    Returns:
        (rows, genres) float32, 0..1, NaN where nothing is known; a row without a list is -1
        throughout. None if the catalog has no such column.

    Raises:
        CatalogError: a cell is not a list of numbers, is of another length, or has a number
            outside 0..1. The message names the first such row.
    """
    if column not in table.column_names:
        return None
    cells = table.column(column).combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()

    def error(row: int, problem: str) -> CatalogError:
        return CatalogError(
            f"{name}: {row_place(table, row)}: the column {column!r} of `soft_labels` {problem}"
        )

    if holds_text(cells.type):
        cells = _from_json(as_strings(table.column(column)), error)
    if pa.types.is_null(cells.type):
        return np.full((len(cells), len(names)), -1, dtype=np.float32)
    return _as_matrix(cells, names, error)


def _from_json(texts: pa.Array, error: Any) -> pa.Array:
    """Return the lists that texts hold as JSON; null for null and blank texts.

    Python's own spelling of a list that holds nulls is read as well.
    """
    lists: list[list[float | None] | None] = []
    for row, text in enumerate(texts.to_pylist()):
        if text is None or not text.strip():
            lists.append(None)
            continue
        try:
            values = json.loads(text.replace("None", "null").replace("nan", "NaN"))
        except (ValueError, RecursionError):
            raise error(row, f"is not a list of probabilities: {text[:40]!r}") from None
        if values is not None and not isinstance(values, list):
            raise error(row, f"is not a list of probabilities: {text[:40]!r}")
        for value in values or ():
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                raise error(row, f"holds {value!r}, which is not a number")
        lists.append(values)
    try:
        return pa.array(lists, pa.list_(pa.float64()))
    except (pa.ArrowException, OverflowError):  # an integer beyond the range of floats
        row = next(i for i, cell in enumerate(lists) if any(abs(v or 0) > 1 for v in cell or ()))
        raise error(row, "holds a number outside 0..1") from None


def _as_matrix(cells: pa.Array, names: list[str], error: Any) -> npt.NDArray[np.float32]:
    kind = cells.type
    is_list = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    filled = np.flatnonzero(cells.is_valid().to_numpy(zero_copy_only=False))
    first = int(filled[0]) if len(filled) else 0
    if not is_list:
        raise error(first, f"holds {kind}, not lists of probabilities")
    item = kind.value_type
    kinds = pa.types
    if not any(
        is_kind(item)
        for is_kind in (kinds.is_floating, kinds.is_integer, kinds.is_decimal, kinds.is_null)
    ):
        raise error(first, f"holds lists of {item}, not of numbers")
    lists = cells.take(pa.array(filled)) if len(filled) < len(cells) else cells
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(lengths != len(names))
    if len(wrong):
        raise error(
            int(filled[wrong[0]]),
            f"holds {lengths[wrong[0]]} probabilities for {len(names)} genres: give one for each "
            f"of {', '.join(names)}, in this order",
        )
    values = lists.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    values = values.reshape(len(filled), len(names))
    outside = np.argwhere((values < 0) | (values > 1))
    if len(outside):
        row, genre = outside[0].tolist()
        raise error(
            int(filled[row]), f"is {values[row, genre]:g} for {names[genre]!r}: use 0..1 or null"
        )
    matrix = np.full((len(cells), len(names)), -1, dtype=np.float32)
    matrix[filled] = values
    return matrix
