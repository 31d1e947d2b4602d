"""A summary of a catalog: its rows, columns and genres, and the columns found by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import GENRE_COLUMNS, TEXT_COLUMNS, TITLE_COLUMNS, find_column
from genre_batch.catalog.formats import Location
from genre_batch.catalog.genres import cell_without_genre, parse_column
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.unreadable import handled_rejects, warn_of_padded_rows

__all__ = ["CatalogDescription", "ColumnDescription", "describe_catalog"]


@dataclass(frozen=True)
class ColumnDescription:
    """One column.

    Attributes:
        name: as the catalog spells it.
        type: its Arrow type.
        filled: the number of rows in which it is neither null nor empty.
    """

    name: str
    type: str
    filled: int


@dataclass(frozen=True)
class CatalogDescription:
    """A catalog's contents, counted in one pass.

    Attributes:
        rows: the number of rows.
        columns: in the catalog's order.
        text_column, title_column, genre_column: the columns found by name; None if there is none.
        genres: genre -> number of rows, most frequent first; empty without a genre column.
        cells_without_genre: the number of genre cells with content in which no genre was found.
    """

    rows: int
    columns: tuple[ColumnDescription, ...]
    text_column: str | None
    title_column: str | None
    genre_column: str | None
    genres: dict[str, int]
    cells_without_genre: int = 0


def describe_catalog(
    location: Location, reading: ReadingOptions | None = None
) -> CatalogDescription:
    """Read a catalog chunk by chunk and count its contents.

    Args:
        location: the catalog.
        reading: how to read it; default: `ReadingOptions()`.

    Raises:
        CatalogError: it cannot be read, or two columns match the same usual name.
    """
    rows = without = 0
    types: dict[str, str] = {}
    filled: Counter[str] = Counter()
    genres: Counter[str] = Counter()
    genre_column: str | None = None
    padded = 0
    reading = reading or ReadingOptions()
    options = ReadOptions(as_table=True, infer_types=reading.infer_types, reading=reading)
    with (
        handled_rejects(location, reading) as on_reject,
        CatalogReader([location], options, on_reject) as reader,
    ):
        for chunk in reader.chunks():
            assert isinstance(chunk, TableChunk)
            if not types:
                types = {field.name: str(field.type) for field in chunk.table.schema}
                genre_column = find_column(chunk.columns, GENRE_COLUMNS, parameter="genre_column")
            rows += len(chunk)
            padded += chunk.short_rows
            for name in chunk.columns:
                filled[name] += int(np.count_nonzero(~chunk.blank(name)))
            if genre_column is not None:
                column = chunk.column(genre_column)
                cells = parse_column(column)
                genres.update(name for cell in cells for name in cell)
                without += cell_without_genre(column, cells)[0]
    warn_of_padded_rows(location.name, padded)
    return CatalogDescription(
        rows=rows,
        columns=tuple(ColumnDescription(name, kind, filled[name]) for name, kind in types.items()),
        text_column=find_column(tuple(types), TEXT_COLUMNS),
        title_column=find_column(tuple(types), TITLE_COLUMNS, parameter="title_column"),
        genre_column=genre_column,
        genres=dict(genres.most_common()),
        cells_without_genre=without,
    )
