"""The reader of labeled catalogs: the text, the genres and the text key of every row."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.columns import (
    GENRE_COLUMNS,
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    find_column,
    no_text_error,
    require_column,
)
from genre_batch.catalog.formats import Location
from genre_batch.catalog.genres import cell_without_genre, parse_cell, parse_column
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.catalog.reading.reader import read_chunk
from genre_batch.catalog.texts import holds_text
from genre_batch.dataset.copies import PIVOT_COLUMN, SOURCE_COLUMN, films_of
from genre_batch.errors import CatalogError, GenreBatchWarning, UsageError
from genre_batch.model.text import OVERVIEW_ONLY, compose
from genre_batch.model.text_keys import TEXT_KEY_VERSION, text_keys

__all__ = [
    "LabelledCatalog",
    "LabelledColumns",
    "Titles",
    "encode_labels",
    "find_labelled_columns",
    "no_genre_error",
    "read_labelled",
    "sha256_of",
]

Titles = Literal["unused", "optional", "required"]
"""Whether a title column is looked for, and whether it may be missing."""


@dataclass(frozen=True)
class LabelledColumns:
    """The columns to read of a labeled catalog, and how to read its genres.

    Attributes:
        text, genres: column names.
        title: a column name; None if titles are not used or the catalog has none.
        separator: the string between two genres of a cell; None: detected in each cell.
    """

    text: str
    genres: str
    title: str | None = None
    separator: str | None = None

    def texts_in(self, chunk: Chunk) -> list[str | None]:
        """Return the trimmed overview of each row; None where it is null, blank or not text."""
        texts: list[str | None] = compose(OVERVIEW_ONLY, chunk.strings(self.text)).to_pylist()
        return texts

    def genres_in(self, chunk: Chunk) -> list[list[str]]:
        """Return the genres of each row, as `parse_column` reads them; empty where it has none."""
        if isinstance(chunk, JsonLinesChunk):
            values = (row.get(self.genres) for row in chunk.objects)
            return [[] if value in chunk.nulls else self._genres_of(value) for value in values]
        column = chunk.column(self.genres)
        cells = parse_column(column, self.separator)
        if self.genres in chunk.texts and pa.types.is_string(column.type):
            # JSON values of several types, of which those that are not strings are JSON text.
            for row in np.flatnonzero(chunk.strings(self.genres).is_null()).tolist():
                value = column[row].as_py()
                cells[row] = [] if value is None else self._genres_of(json.loads(value))
        return cells

    def _genres_of(self, value: object) -> list[str]:
        if isinstance(value, str):
            return parse_cell(value, self.separator)
        return parse_cell(json.dumps(value)) if isinstance(value, list | dict) else []


def find_labelled_columns(
    names: Sequence[str], options: ColumnOptions, titles: Titles = "unused"
) -> LabelledColumns:
    """Find the columns of texts, genres and, if wanted, titles.

    Args:
        names: the names of the catalog's columns.
        options: the columns that the user named.
        titles: `unused`, `optional` or `required`.

    Raises:
        ColumnError: a column is missing, or exists in two spellings.
    """
    text = require_column(names, TEXT_COLUMNS, options.text_column, "text_column")
    genres = require_column(names, GENRE_COLUMNS, options.genre_column, "genre_column")
    title = None
    if titles != "unused":
        find = find_column if titles == "optional" else require_column
        title = find(names, TITLE_COLUMNS, options.title_column, "title_column")
    return LabelledColumns(text, genres, title, options.genre_separator)


@dataclass(frozen=True, eq=False)
class LabelledCatalog:
    """All rows of a labeled catalog, usable or not.

    Attributes:
        name: the catalog, for messages.
        table: all columns of all rows.
        columns: which of them hold texts, genres and titles.
        overviews: (rows,) strings as the catalog has them; null where there is none.
        titles: (rows,) strings as the catalog has them; None without a title column.
        genres: (rows,) lists of genre names; empty where a row has none.
    """

    name: str
    table: pa.Table
    columns: LabelledColumns
    overviews: pa.Array
    titles: pa.Array | None
    genres: list[list[str]]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def texts(self) -> list[str | None]:
        """(rows,) trimmed overviews; None for a row without text."""
        texts: list[str | None] = compose(OVERVIEW_ONLY, self.overviews).to_pylist()
        return texts

    @cached_property
    def has_text(self) -> npt.NDArray[np.bool_]:
        """(rows,) bool: whether a row has text."""
        return np.array([text is not None for text in self.texts], dtype=np.bool_)

    @cached_property
    def keys(self) -> npt.NDArray[np.uint64]:
        """(rows,) uint64: the `text_key` of each overview, equal for duplicates."""
        return text_keys(self.texts)

    def keys_as(self, version: int) -> npt.NDArray[np.uint64]:
        """Return the keys in a version of `TEXT_KEY_VERSIONS`."""
        return self.keys if version == TEXT_KEY_VERSION else text_keys(self.texts, version)

    @property
    def film_of(self) -> npt.NDArray[np.int64]:
        """(rows,) the row of each row's film, as `films_of` finds it; its own without copies."""
        if {SOURCE_COLUMN, PIVOT_COLUMN} <= set(self.table.column_names):
            return films_of(self.table, self.name)
        return np.arange(len(self), dtype=np.int64)

    @cached_property
    def cells_without_genre(self) -> tuple[int, str]:
        """How many genre cells have content but no genre, and the first of them as text."""
        return cell_without_genre(self.table.column(self.columns.genres), self.genres)

    @property
    def parts(self) -> list[Any] | None:
        """(rows,) values of the catalog's own column `part`; None if it has no such column."""
        if "part" not in self.table.column_names:
            return None
        parts: list[Any] = self.table.column("part").to_pylist()
        return parts


def read_labelled(
    location: Location,
    columns: ColumnOptions | None = None,
    reading: ReadingOptions | None = None,
    *,
    titles: Titles = "unused",
) -> LabelledCatalog:
    """Read a labeled catalog into memory.

    Args:
        location: the catalog.
        columns: the columns to use; default: found by their usual names.
        reading: how to read the file; default: `ReadingOptions()`.
        titles: whether titles are read, and whether their column may be missing.

    Raises:
        ColumnError: a column is missing, exists in two spellings, or is of a type without text.
        CatalogError: the catalog cannot be read.
    """
    rows = read_chunk(location, reading)
    options = columns or ColumnOptions()
    used = find_labelled_columns(rows.columns, options, titles)
    _check_holds_text(rows, used.text, "text_column")
    if used.title is not None and options.title_column is not None:
        _check_holds_text(rows, used.title, "title_column")
    catalog = LabelledCatalog(
        name=location.name,
        table=rows.table,
        columns=used,
        overviews=rows.strings(used.text),
        titles=None if used.title is None else rows.strings(used.title),
        genres=used.genres_in(rows),
    )
    count, first = catalog.cells_without_genre
    if count and any(catalog.genres):
        warnings.warn(
            f"{catalog.name}: {count:,} cells of the column {used.genres!r} have no genre (the "
            f"first: {first[:60]!r}): their rows are left out",
            GenreBatchWarning,
            stacklevel=2,
        )
    return catalog


def no_genre_error(catalog: LabelledCatalog, where: str = "") -> CatalogError:
    """Build the error for a catalog of which no row has both a text and a genre.

    Args:
        catalog: the catalog.
        where: a part of it, for the message.
    """
    count, first = catalog.cells_without_genre
    cells = f" (no genre in the cell {first[:60]!r} and {count - 1:,} others)" if count else ""
    return CatalogError(
        f"{catalog.name}: no row{where} has both a text and a genre{cells}: check `text_column`, "
        f"`genre_column` and `genre_separator`"
    )


def _check_holds_text(chunk: TableChunk, name: str, parameter: str) -> None:
    """Check that a column's type can hold text; the types of JSON values are not checked."""
    kind = chunk.table.schema.field(name).type
    if name not in chunk.texts and not holds_text(kind):
        raise no_text_error(name, kind, parameter)


def encode_labels(genres: Sequence[Sequence[str]], names: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Encode lists of genres as a (rows, names) uint8 array of 0 and 1, without unknown genres.

    Args:
        genres: (rows,) genre names of each row.
        names: the genres to encode, in column order.
    """
    index = {name: column for column, name in enumerate(names)}
    labels = np.zeros((len(genres), len(names)), dtype=np.uint8)
    for row, cell in enumerate(genres):
        labels[row, [index[name] for name in cell if name in index]] = 1
    return labels


def sha256_of(location: Location) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        UsageError: the location is stdin, whose bytes can be read only once.
        CatalogError: the file cannot be opened.
    """
    if location.is_stdio:
        raise UsageError("stdin cannot be recorded in the provenance: name a file")
    with location.open_raw() as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()  # type: ignore[arg-type]
