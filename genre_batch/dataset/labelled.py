"""The reader of labeled catalogs: the text, the genres and the text key of every row."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import GENRE_COLUMNS, TEXT_COLUMNS, no_text_error
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.genre_values import CellState
from genre_batch.catalog.genres import GenreCells
from genre_batch.catalog.inner_columns import advice_for_object, advice_for_table
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.catalog.reading.whole import read_chunk
from genre_batch.catalog.separator_marks import typed
from genre_batch.catalog.texts import holds_text
from genre_batch.dataset.copies import PIVOT_COLUMN, SOURCE_COLUMN, films_of
from genre_batch.dataset.genre_names import GenreNames
from genre_batch.dataset.label_cells import (
    EmptyRows,
    check_empty,
    decide_empty,
    grouped_if,
    named,
    with_empty_nulls,
)
from genre_batch.dataset.labelled_columns import (
    LabelledColumns,
    Titles,
    check_in_each_file,
    find_labelled_columns,
    options_as_trained,
)
from genre_batch.dataset.no_genre import unreadable_cells
from genre_batch.dataset.split import read_part
from genre_batch.errors import ColumnError, GenreBatchWarning, UsageError
from genre_batch.model.text import OVERVIEW_ONLY, compose
from genre_batch.model.text_keys import TEXT_KEY_VERSION, text_keys

__all__ = [
    "LabelledCatalog",
    "LabelledColumns",
    "Titles",
    "encode_labels",
    "find_labelled_columns",
    "read_labelled",
    "sha256_of",
]


@dataclass(frozen=True, eq=False)
class LabelledCatalog:
    """All rows of a labeled catalog, usable or not.

    Attributes:
        name: the catalog, for messages.
        table: all columns of all rows.
        columns: which of them hold texts, genres and titles.
        overviews: (rows,) strings as the catalog has them; null where there is none.
        titles: (rows,) strings as the catalog has them; None without a title column.
        cells: the genre cells.
        empty: what rows with an empty genre cell are.
        names: how the names in the cells were read.
    """

    name: str
    table: pa.Table
    columns: LabelledColumns
    overviews: pa.Array
    titles: pa.Array | None
    cells: GenreCells
    empty: EmptyRows
    names: GenreNames

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
    def is_negative(self) -> npt.NDArray[np.bool_]:
        """(rows,) bool: whether a row states that its film has none of the genres."""
        if not self.empty.negative:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray(self.cells.states == CellState.EMPTY, dtype=np.bool_)

    @cached_property
    def has_labels(self) -> npt.NDArray[np.bool_]:
        """(rows,) bool: whether a row has a genre, or states that it has none."""
        labeled = np.array([bool(names) for names in self.genres], dtype=np.bool_)
        return np.asarray(labeled | self.is_negative, dtype=np.bool_)

    def with_genres(self, genres: list[list[str]]) -> LabelledCatalog:
        """Return the catalog with other genres, (rows,) lists."""
        return replace(self, cells=replace(self.cells, genres=genres))

    @cached_property
    def keys(self) -> npt.NDArray[np.uint64]:
        """(rows,) uint64: the `text_key` of each overview, equal for duplicates."""
        return text_keys(self.texts)

    @property
    def used_columns(self) -> dict[str, str | None]:
        """The columns and how they were read, as `ModelMetadata.columns` has them."""
        reader = self.cells.reader
        marks = reader.separators.marks if reader.is_plain else ()
        found = marks[0] if len(marks) == 1 else None
        empty = "negative" if self.empty.negative else "skip"
        return {
            **({"empty": empty} if self.empty.given else {}),
            "text": self.columns.text,
            "title": self.columns.title,
            "genres": None if self.columns.label_columns else self.columns.genres,
            "separator": reader.separators.given or typed(found),
        }

    def keys_as(self, version: int) -> npt.NDArray[np.uint64]:
        """Return the keys in a version of `TEXT_KEY_VERSIONS`."""
        return self.keys if version == TEXT_KEY_VERSION else text_keys(self.texts, version)

    @property
    def film_of(self) -> npt.NDArray[np.int64]:
        """(rows,) the row of each row's film, as `films_of` finds it; its own without copies."""
        if {SOURCE_COLUMN, PIVOT_COLUMN} <= set(self.table.column_names):
            return films_of(self.table, self.name)
        return np.arange(len(self), dtype=np.int64)

    @property
    def genres(self) -> list[list[str]]:
        """(rows,) lists of genre names; empty where a row has none."""
        return self.cells.genres

    @property
    def parts(self) -> list[str | None] | None:
        """(rows,) the catalog's own column `part`, as `read_part` reads it; None without one."""
        if "part" not in self.table.column_names:
            return None
        return [read_part(value) for value in self.table.column("part").to_pylist()]


def read_labelled(
    location: Location,
    columns: ColumnOptions | None = None,
    reading: ReadingOptions | None = None,
    *,
    titles: Titles = "unused",
    ask: bool | None = False,
    trained_columns: Mapping[str, str | None] | None = None,
    labels: Sequence[str] | None = None,
    only_labels: bool = True,
    rows: TableChunk | None = None,
) -> LabelledCatalog:
    """Read a labeled catalog into memory.

    Args:
        location: the catalog.
        columns: the columns to use; default: found by their usual names.
        reading: how to read the file; default: `ReadingOptions()`.
        ask: raise an error if rows with an empty genre cell may be films without a genre as well as
            rows without labels, and no option decides which; if not, they are left out with a
            warning, or without one if it is None.
        titles, trained_columns: as in `find_labelled_columns`.
        labels: the genres of the model that the catalog is read for; None: the catalog's own.
        only_labels: whether `genre_map` may map names only to these.
        rows: the rows, if they have been read already.

    Raises:
        ColumnError: a column is missing, exists in two spellings, or is of a type without text.
        CatalogError: the catalog, `genre_map` or `label_names` cannot be read, or a number or code
            has no name in them.
    """
    rows = read_chunk(location, reading) if rows is None else rows
    options = columns or ColumnOptions()
    with _advising_on_inner(rows, options, location):
        used = find_labelled_columns(rows.columns, options, titles, trained_columns)
    options = options_as_trained(options, used, trained_columns)
    _check_hold_text(rows, used.text, None if options.title_column is None else used.title)
    check_in_each_file(rows.table, used)
    names = GenreNames.of(options, labels, closed=only_labels)
    cells = _cells(rows, used, options, names, location)
    overviews = rows.strings(used.text)
    read_titles = None if used.title is None else rows.strings(used.title)
    texts: list[str | None] = compose(OVERVIEW_ONLY, overviews).to_pylist()
    cells = grouped_if(options, cells, texts, read_titles, location.name)
    has_text = np.array([text is not None for text in texts], dtype=np.bool_)
    empty = decide_empty(cells, has_text, options)
    catalog = LabelledCatalog(
        name=location.name,
        table=rows.table,
        columns=used,
        overviews=overviews,
        titles=read_titles,
        cells=cells,
        empty=empty,
        names=names,
    )
    if any(cells.genres) and ask is not None:
        check_empty(empty, location.name, used.genres, ask=ask)
    _warn_of_unreadable(catalog)
    return catalog


def _cells(
    rows: TableChunk,
    used: LabelledColumns,
    options: ColumnOptions,
    names: GenreNames,
    location: Location,
) -> GenreCells:
    """Return the genre cells, with the names that `label_names` and `names` give to genres."""
    cells = named(used.cells_in(rows), options)
    if not names.changes_nothing:
        cells = replace(cells, genres=names.read(cells.genres))
        names.warn(location.name)
    if used.label_columns:
        return cells
    return with_empty_nulls(cells, rows, used.genres, location)


def _warn_of_unreadable(catalog: LabelledCatalog) -> None:
    if catalog.cells.unreadable and any(catalog.genres):
        warnings.warn(
            f"{catalog.name}: {unreadable_cells(catalog)}: their rows are left out",
            GenreBatchWarning,
            stacklevel=3,
        )


@contextlib.contextmanager
def _advising_on_inner(
    rows: TableChunk, options: ColumnOptions, location: Location
) -> Iterator[None]:
    """Add to errors how to move up the text or the genres that are inside another column."""
    try:
        yield
    except ColumnError as error:
        raise ColumnError(f"{error}{_advice_on_inner(rows, options, location)}") from None


def _advice_on_inner(rows: TableChunk, options: ColumnOptions, location: Location) -> str:
    """Return how to move up the text or the genres that are inside another column."""
    objects = rows.table.slice(0, 1).to_pylist() if location.format is Format.JSONL else []
    wanted = ((TEXT_COLUMNS, options.text_column), (GENRE_COLUMNS, options.genre_column))
    for usual, requested in wanted:
        names = usual if requested is None else (requested.lower().rpartition(".")[2],)
        for row in objects:
            if advice := advice_for_object(row, names):
                return advice
        if advice := advice_for_table(rows.table.schema, names):
            return advice
    return ""


def _check_hold_text(chunk: TableChunk, text: str, title: str | None) -> None:
    """Check that the types of columns can hold text; those of JSON values are not checked."""
    for name, parameter in ((text, "text_column"), (title, "title_column")):
        if name is not None and name not in chunk.texts:
            kind = chunk.table.schema.field(name).type
            if not holds_text(kind):
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
    """Return the SHA-256 of a file's bytes, in hexadecimal; of several, that of their hashes.

    Raises:
        UsageError: the location is stdin, whose bytes can be read only once.
        CatalogError: the file cannot be opened.
    """
    if location.is_stdio:
        raise UsageError("stdin cannot be recorded in the provenance: name a file")
    if location.files:
        digests = "\n".join(map(sha256_of, location.files))
        return hashlib.sha256(digests.encode("ascii")).hexdigest()
    with location.open_raw() as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()  # type: ignore[arg-type]
