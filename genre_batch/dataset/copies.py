"""Copies in a catalog, as `augment` writes them, and the film that each of them was made from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.errors import TrainingError

__all__ = ["PIVOT_COLUMN", "SOURCE_COLUMN", "films_of"]

SOURCE_COLUMN = "source_row"
"""The number of the row that a row was made from; its own for a film."""
PIVOT_COLUMN = "pivot"
"""The language that a copy went through; null, or empty, for a film."""


def films_of(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """For each row the position of its film: its own for a film, the source's for a copy.

    A film is found by its own `source_row`, so rows may have been left out or put in another order
    since the copies were made.

    Args:
        table: a catalog; one without `source_row` holds no copies.
        name: the catalog's, for messages.

    Returns:
        (rows,) positions in the table; -1 for a copy whose film is not in it.

    Raises:
        TrainingError: a `source_row` is no number, or `pivot` is missing: what is a copy, and of
            which film, cannot be told.
    """
    rows = table.num_rows
    if SOURCE_COLUMN not in table.column_names:
        return np.arange(rows, dtype=np.int64)
    if PIVOT_COLUMN not in table.column_names:
        raise TrainingError(
            f"{name} has the column {SOURCE_COLUMN!r} without {PIVOT_COLUMN!r}: copies cannot be "
            f"told from films; add the column, or rename {SOURCE_COLUMN!r} if it is another thing"
        )
    # CSV gives both as text.
    sources = table.column(SOURCE_COLUMN).to_pylist()
    is_film = TableChunk(table).blank(PIVOT_COLUMN)
    try:
        numbers = np.array([int(source) for source in sources], dtype=np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TrainingError(f"{name}: a {SOURCE_COLUMN} is no number: {error}") from error
    film_at = dict(zip(numbers[is_film].tolist(), np.flatnonzero(is_film).tolist(), strict=True))
    return np.array([film_at.get(number, -1) for number in numbers.tolist()], dtype=np.int64)
