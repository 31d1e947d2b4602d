"""What a catalog holds: its rows, columns and genres, and which columns would be read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import GENRE_COLUMNS, TEXT_COLUMNS, TITLE_COLUMNS, find_column
from genre_batch.catalog.formats import Location
from genre_batch.catalog.genres import parse_column
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions

__all__ = ["CatalogDescription", "ColumnDescription", "describe_catalog"]


@dataclass(frozen=True)
class ColumnDescription:
    """One column.

    Attributes:
        name: as the catalog spells it.
        type: its Arrow type.
        filled: rows in which it is neither null nor empty.
    """

    name: str
    type: str
    filled: int


@dataclass(frozen=True)
class CatalogDescription:
    """A catalog, read once from end to end.

    Attributes:
        rows: how many it has.
        columns: in the catalog's order.
        text_column, title_column, genre_column: those found by name; None where there is none.
        genres: how many rows have each genre, most frequent first; empty without a genre column.
    """

    rows: int
    columns: tuple[ColumnDescription, ...]
    text_column: str | None
    title_column: str | None
    genre_column: str | None
    genres: dict[str, int]


def describe_catalog(location: Location) -> CatalogDescription:
    """Reads a catalog chunk by chunk and describes it.

    Raises:
        CatalogError: it cannot be read, or a column is there in two spellings.
    """
    rows = 0
    types: dict[str, str] = {}
    filled: Counter[str] = Counter()
    genres: Counter[str] = Counter()
    genre: str | None = None
    with CatalogReader([location], ReadOptions(as_table=True)) as reader:
        for chunk in reader.chunks():
            assert isinstance(chunk, TableChunk)
            if not types:
                types = {field.name: str(field.type) for field in chunk.table.schema}
                genre = find_column(chunk.columns, GENRE_COLUMNS)
            rows += len(chunk)
            for name in chunk.columns:
                filled[name] += int(np.count_nonzero(~chunk.blank(name)))
            if genre is not None:
                cells = parse_column(chunk.table.column(genre))
                genres.update(name for cell in cells for name in cell)
    return CatalogDescription(
        rows=rows,
        columns=tuple(ColumnDescription(name, kind, filled[name]) for name, kind in types.items()),
        text_column=find_column(tuple(types), TEXT_COLUMNS),
        title_column=find_column(tuple(types), TITLE_COLUMNS),
        genre_column=genre,
        genres=dict(genres.most_common()),
    )
