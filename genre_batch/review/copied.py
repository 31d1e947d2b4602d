"""Cells of a catalog and of a review, in a form in which they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from genre_batch.catalog.nested import is_bytes, is_list, taken
from genre_batch.catalog.texts import holds_text
from genre_batch.catalog.writing.text import cell_texts

__all__ = ["cells", "values"]

_PLAIN = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
    pa.types.is_null,
    is_list,
)
"""Types whose values are compared as Python has them; `audit` writes others as text into CSV."""


def cells(column: pa.ChunkedArray, rows: Sequence[int]) -> list[Any]:
    """Return some values of a column: texts, numbers, flags and lists; others as cells of CSV.

    So times keep their nanoseconds, and bytes and structs are what `audit` writes into a review.

    Args:
        column: of a catalog or a review.
        rows: the places of the values.

    Raises:
        UnwritableTypeError: values of its type cannot be written, nor have been by `audit`.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if (holds_text(kind) and not is_bytes(kind)) or any(is_kind(kind) for is_kind in _PLAIN):
        return values(column, rows)
    return list(cell_texts(pa.chunked_array([_some(column, rows)])))


def values(column: pa.ChunkedArray, rows: Sequence[int]) -> list[Any]:
    """Return some values of a column as Python has them; arguments as for `cells`."""
    found: list[Any] = _some(column, rows).to_pylist()
    return found


def _some(column: pa.ChunkedArray, rows: Sequence[int]) -> pa.Array:
    return taken(column.combine_chunks(), pa.array(rows, pa.int64()))
