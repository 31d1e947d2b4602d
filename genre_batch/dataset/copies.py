"""Back-translated copies in a catalog, as `augment` writes them, and the film of each copy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.reading.several import files_of, integers_in, row_place
from genre_batch.errors import TrainingError

__all__ = ["PIVOT_COLUMN", "SOURCE_COLUMN", "films_of"]

SOURCE_COLUMN = "source_row"
"""The number of the row that a row was made from; for a film, its own number."""
PIVOT_COLUMN = "pivot"
"""The language that a copy was translated through; null or empty for a film."""


def films_of(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """Return for each row the position of its film: its own for a film, the source's for a copy.

    A film is identified by its own `source_row`, so rows may have been removed or reordered since
    the copies were made. In a catalog of several files, copies belong to films of any file if no
    number is repeated among the films, and otherwise to films of their own file.

    Args:
        table: a catalog; without a column `source_row` it holds no copies.
        name: the catalog's name, for messages.

    Returns:
        (rows,) positions in the table; -1 for a copy whose film is not in it.

    Raises:
        TrainingError: a `source_row` is not a number, two films of one file have the same one, or
            the column `pivot` is missing, so that copies cannot be distinguished from films.
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
        numbers = integers_in(table, SOURCE_COLUMN)
    except ValueError as error:
        raise TrainingError(
            f"{name}: {error}: make the copies again with genre-batch augment, or rename the column"
        ) from error
    films = np.flatnonzero(is_film).tolist()
    # Files in which the same number is another film each were augmented one by one.
    is_one = len({numbers[row] for row in films}) == len(films)
    files = np.zeros(rows, dtype=np.int64) if is_one else _files(table)
    keys = list(zip(files.tolist(), numbers, strict=True))
    positions: dict[tuple[int, int], int] = {}
    for row in films:
        first = positions.setdefault(keys[row], row)
        if first != row:
            raise TrainingError(
                f"{name}: {row_place(table, first)} and {row_place(table, row)} are two films with "
                f"{numbers[row]} in the column {SOURCE_COLUMN!r}: copies of it cannot be assigned; "
                f"augment the films in one catalog, or name the augmented catalogs one by one"
            )
    film_of = np.array([positions.get(key, -1) for key in keys], dtype=np.int64)
    return np.where(is_film, np.arange(rows, dtype=np.int64), film_of)


def _files(table: pa.Table) -> npt.NDArray[np.int64]:
    """Return (rows,) the index of the file of each row."""
    counts = [count for _, count in files_of(table)] or [table.num_rows]
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)
