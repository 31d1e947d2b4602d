"""Back-translated copies in a catalog, as `augment` writes them, and the film of each copy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.reading.several import integers_in
from genre_batch.errors import TrainingError

__all__ = ["PIVOT_COLUMN", "SOURCE_COLUMN", "films_of"]

SOURCE_COLUMN = "source_row"
"""The number of the row that a row was made from; for a film, its own number."""
PIVOT_COLUMN = "pivot"
"""The language that a copy was translated through; null or empty for a film."""


def films_of(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """Return for each row the position of its film: its own for a film, the source's for a copy.

    A film is identified by its own `source_row`, so rows may have been removed or reordered since
    the copies were made.

    Args:
        table: a catalog; without a column `source_row` it holds no copies.
        name: the catalog's name, for messages.

    Returns:
        (rows,) positions in the table; -1 for a copy whose film is not in it.

    Raises:
        TrainingError: a `source_row` is not a number, or the column `pivot` is missing, so that
            copies cannot be distinguished from films.
    """
    rows = table.num_rows
    if SOURCE_COLUMN not in table.column_names:
        return np.arange(rows, dtype=np.int64)
    if PIVOT_COLUMN not in table.column_names:
        raise TrainingError(
            f"{name} has the column {SOURCE_COLUMN!r} without {PIVOT_COLUMN!r}: copies cannot be "
            f"distinguished from films; add the column, or rename {SOURCE_COLUMN!r} if it means "
            f"something else"
        )
    is_film = TableChunk(table).blank(PIVOT_COLUMN)
    try:
        numbers = np.array(integers_in(table, SOURCE_COLUMN), dtype=np.int64)
    except ValueError as error:
        raise TrainingError(
            f"{name}: {error}: make the copies again with genre-batch augment, or rename the column"
        ) from error
    position = dict(zip(numbers[is_film].tolist(), np.flatnonzero(is_film).tolist(), strict=True))
    return np.array([position.get(number, -1) for number in numbers.tolist()], dtype=np.int64)
