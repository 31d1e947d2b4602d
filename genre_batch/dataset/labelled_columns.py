"""Which columns of a labeled catalog hold texts, titles and genres, and how genres are read."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa

from genre_batch.catalog.chunk import Chunk, TableChunk
from genre_batch.catalog.columns import (
    GENRE_COLUMNS,
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    find_column,
    listed,
    missing_column_error,
    require_column,
)
from genre_batch.catalog.genres import (
    GenreCells,
    GenreReader,
    genre_values,
    read_genres,
    text_counts,
)
from genre_batch.catalog.label_columns import find_label_columns, read_label_columns
from genre_batch.catalog.options import ColumnOptions
from genre_batch.catalog.reading.several import missing_columns, row_place
from genre_batch.catalog.separator_marks import typed
from genre_batch.dataset.genre_names import maps_numbers
from genre_batch.errors import ColumnError, GenreBatchWarning
from genre_batch.model.text import OVERVIEW_ONLY, compose

__all__ = [
    "LabelledColumns",
    "Titles",
    "check_in_each_file",
    "find_labelled_columns",
    "stored_separator",
    "why_no_text",
]

Titles = Literal["unused", "optional", "required"]
"""Whether a title column is looked for, and whether it may be missing."""


@dataclass(frozen=True)
class LabelledColumns:
    """The columns to read of a labeled catalog, and how to read its genres.

    Attributes:
        text, genres: column names.
        title: a column name; None if titles are not used or the catalog has none.
        separator: the string between two genres of a cell; None: found over the whole column.
        reader: how the genre cells are read; None: decided over the cells at hand.
        numbers: whether integers are genres, which a file names.
        likely_separator: the separator that a model was trained with; it is used instead of the
            one that is found, unless the cells are lists or in another style.
        label_columns: the columns of 0 and 1, one for each genre; empty: `genres` is the column.
    """

    text: str
    genres: str
    title: str | None = None
    separator: str | None = None
    reader: GenreReader | None = None
    numbers: bool = False
    label_columns: tuple[str, ...] = ()
    likely_separator: str | None = None

    def texts_in(self, chunk: Chunk) -> list[str | None]:
        """Return the trimmed overview of each row; None where it is null, blank or not text."""
        texts: list[str | None] = compose(OVERVIEW_ONLY, chunk.strings(self.text)).to_pylist()
        return texts

    def cells_in(self, chunk: Chunk) -> GenreCells:
        """Return the genre cells of a chunk's rows."""
        if self.label_columns:
            return read_label_columns(_as_table(chunk, self.label_columns), self.label_columns)
        values = genre_values(chunk, self.genres)
        cells = read_genres(values, self.separator, self.reader, numbers=self.numbers)
        decided = self.separator is not None or self.reader is not None
        if decided or self.likely_separator is None or not cells.reader.is_plain:
            return cells
        values = genre_values(chunk, self.genres)
        return read_genres(values, self.likely_separator, numbers=self.numbers)

    def decided(self, chunks: Iterable[Chunk]) -> LabelledColumns:
        """Return the columns with the reader of genre cells that all chunks together decide."""
        texts: Counter[str] = Counter()
        for chunk in chunks:
            if self.genres in chunk.columns:
                texts.update(text_counts(genre_values(chunk, self.genres)))
        reader = GenreReader.of(texts, self.separator, numbers=self.numbers)
        return replace(self, reader=reader)


def _as_table(chunk: Chunk, names: Sequence[str]) -> pa.Table:
    if isinstance(chunk, TableChunk):
        return chunk.with_real_nulls().table
    return pa.table({name: [row.get(name) for row in chunk.objects] for name in names})


def check_in_each_file(table: pa.Table, columns: LabelledColumns) -> None:
    """Check that each file of a catalog has the columns of texts and genres.

    Raises:
        ColumnError: a file lacks one that the others have.
    """
    for name, lacks in missing_columns(table).items():
        for column in (columns.text, *(columns.label_columns or (columns.genres,))):
            if column in lacks:
                raise ColumnError(
                    f"{name} has no column {column!r}, which other files of the catalog have: "
                    f"rename its column, or leave the file out"
                )


def options_as_trained(
    options: ColumnOptions,
    used: LabelledColumns,
    trained_columns: Mapping[str, str | None] | None,
) -> ColumnOptions:
    """Return options in which empty cells are what they were in training, if nothing else is set.

    Args:
        options: of the columns.
        used: the columns that were found.
        trained_columns: `ModelMetadata.columns`; it counts for a column of the same name.
    """
    known = trained_columns or {}
    if options.empty is None and known and used.genres == known.get("genres"):
        return replace(options, empty=known.get("empty"))
    return options


def _numbered(names: Sequence[str], base: str) -> list[str]:
    """Return the columns of a name and a number, such as `genre_1` and `Genre 2` for `genre`."""
    pattern = re.compile(rf"{re.escape(base)}[ _.-]?\d+", re.IGNORECASE)
    return [name for name in names if pattern.fullmatch(name.strip())]


def _genre_column(names: Sequence[str], requested: str | None, trained: str | None) -> str:
    wanted = (GENRE_COLUMNS, requested, "genre_column", trained)
    name = find_column(names, *wanted)
    if name is not None:
        others = [] if requested else [each for each in _numbered(names, name) if each != name]
        if others:
            warnings.warn(
                f"only the column {name!r} is read, not {listed(others)}: if each holds a genre, "
                f"add `label_columns` {','.join((name, *others))} to read all of them",
                GenreBatchWarning,
                stacklevel=4,
            )
        return name
    error = missing_column_error(names, *wanted)
    for base in GENRE_COLUMNS if requested is None else ():
        if len(columns := _numbered(names, base)) > 1:
            raise ColumnError(
                f"the genres are in several columns, {listed(columns)}: name them with "
                f"`label_columns` {','.join(columns)}"
            )
    raise ColumnError(
        f"{error}; or, if each genre has a column of 0 and 1, name those with `label_columns`"
    )


def why_no_text(table: pa.Table, name: str) -> str:
    """Return why no cell of a text column holds a text, as a clause: they are empty, or no texts.

    Args:
        table: the catalog.
        name: the column.
    """
    for row, value in enumerate(table.column(name).to_pylist()):
        if value is not None and (text := str(value).strip()):
            place = row_place(table, row)
            return (
                f"no cell of the column {name!r} is a text (the first, in {place}: {text[:60]!r})"
            )
    return f"all cells of the column {name!r} are empty"


def stored_separator(columns: Mapping[str, str | None]) -> str | None:
    """Return the separator in a model's `columns` as it is typed; None: none is stored."""
    return typed(columns.get("separator"))


def find_labelled_columns(
    names: Sequence[str],
    options: ColumnOptions,
    titles: Titles = "unused",
    trained_columns: Mapping[str, str | None] | None = None,
) -> LabelledColumns:
    """Find the columns of texts, genres and, if wanted, titles.

    Args:
        names: the names of the catalog's columns.
        options: the columns that the user named.
        titles: `unused`, `optional` or `required`.
        trained_columns: the columns that a model was trained on (`ModelMetadata.columns`),
            preferred to columns with usual names; its separator is that of its genre column.

    Raises:
        ColumnError: a column is missing, or exists in two spellings.
    """
    known = trained_columns or {}
    text = require_column(
        names, TEXT_COLUMNS, options.text_column, "text_column", known.get("text")
    )
    label_columns: tuple[str, ...] = ()
    if options.label_columns:
        label_columns = find_label_columns(names, options.label_columns)
        genres = ", ".join(label_columns)
    else:
        genres = _genre_column(names, options.genre_column, known.get("genres"))
    title = None
    if titles != "unused":
        wanted = (TITLE_COLUMNS, options.title_column, "title_column", known.get("title"))
        title = find_column(names, *wanted)
        if title is None and titles == "required":
            error = missing_column_error(names, *wanted)
            raise ColumnError(f"{error}; or leave titles out: `with_title` false")
    return LabelledColumns(
        text,
        genres,
        title,
        options.genre_separator,
        numbers=options.label_names is not None or maps_numbers(options),
        label_columns=label_columns,
        likely_separator=stored_separator(known) if genres == known.get("genres") else None,
    )
