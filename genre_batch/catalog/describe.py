"""A summary of a catalog: its rows, columns and genres, and the columns found by name."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import GENRE_COLUMNS, TEXT_COLUMNS, TITLE_COLUMNS, matching_columns
from genre_batch.catalog.formats import Location
from genre_batch.catalog.genre_values import CellState, Names, unread_reason
from genre_batch.catalog.genres import (
    GenreReader,
    are_weights,
    column_values,
    genre_values,
    is_placeholder,
    is_plain_text,
    text_counts,
)
from genre_batch.catalog.odd_names import odd_names_problem
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.unreadable import PaddedRows, handled_rejects
from genre_batch.errors import GenreBatchWarning

__all__ = ["CatalogDescription", "ColumnDescription", "describe_catalog"]

_CELLS_HELD = 200_000
"""The number of distinct genre cells that are held in memory."""

_SHOWN = 60
"""The number of characters of a cell that a message shows."""


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
        text_column, title_column, genre_column: the columns found by name; None if there is none,
            or more than one.
        genres: genre -> number of rows, most frequent first; empty without a genre column.
        cells_without_genre: the number of genre cells with content in which no genre was found.
        example: the first of these cells, as text.
        reason: why it cannot be read, as a clause; empty if that is not known.
        separators: what separates the genres of a cell, and why; None without a genre column.
        other_separator: what the separator may be instead, and the separator to name then; None:
            nothing else.
        placeholders: genres that probably mean that a row has none -> number of rows.
        ambiguous: parameter that names a column -> the columns that it has to choose from.
    """

    rows: int
    columns: tuple[ColumnDescription, ...]
    text_column: str | None
    title_column: str | None
    genre_column: str | None
    genres: dict[str, int]
    cells_without_genre: int = 0
    example: str = ""
    reason: str = ""
    separators: str | None = None
    other_separator: tuple[str, str] | None = None
    placeholders: dict[str, int] = field(default_factory=dict)
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def describe_catalog(
    location: Location, reading: ReadingOptions | None = None
) -> CatalogDescription:
    """Read a catalog chunk by chunk and count its contents.

    Args:
        location: the catalog.
        reading: how to read it; default: `ReadingOptions()`.

    Raises:
        CatalogError: it cannot be read.
    """
    rows = 0
    types: dict[str, str] = {}
    filled: Counter[str] = Counter()
    genres = _GenreCounts()
    found: dict[str, str | None] = {}
    ambiguous: dict[str, tuple[str, ...]] = {}
    padded = PaddedRows()
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
                found, ambiguous = _columns_by_name(chunk.columns)
            rows += len(chunk)
            padded.add(chunk)
            for name in chunk.columns:
                filled[name] += int(np.count_nonzero(~chunk.blank(name)))
            if (genre_column := found["genre_column"]) is not None:
                genres.add(chunk, genre_column)
    genres.finish()
    padded.warn()
    genre_column = found.get("genre_column")
    _warn_of_odd(location.name, genres.rows, genre_column)
    return CatalogDescription(
        rows=rows,
        columns=tuple(ColumnDescription(name, kind, filled[name]) for name, kind in types.items()),
        text_column=found.get("text_column"),
        title_column=found.get("title_column"),
        genre_column=genre_column,
        genres=dict(genres.rows.most_common()),
        cells_without_genre=genres.unreadable,
        example=genres.example,
        reason=genres.reason,
        separators=None if genre_column is None else str(genres.reader.separators),
        other_separator=None if genre_column is None else genres.reader.separators.alternative,
        placeholders={
            name: count for name, count in genres.rows.most_common() if is_placeholder(name)
        },
        ambiguous=ambiguous,
    )


def _warn_of_odd(name: str, genres: Collection[str], column: str | None) -> None:
    problem = None if column is None else odd_names_problem(genres, column)
    if problem is not None:
        warnings.warn(f"{name}: {problem}", GenreBatchWarning, stacklevel=3)


def _columns_by_name(
    columns: Sequence[str],
) -> tuple[dict[str, str | None], dict[str, tuple[str, ...]]]:
    """Return, by parameter, the columns found by name, and those that match equally well."""
    found: dict[str, str | None] = {}
    ambiguous: dict[str, tuple[str, ...]] = {}
    for parameter, candidates in (
        ("text_column", TEXT_COLUMNS),
        ("title_column", TITLE_COLUMNS),
        ("genre_column", GENRE_COLUMNS),
    ):
        matching = matching_columns(columns, candidates)
        found[parameter] = matching[0] if len(matching) == 1 else None
        if len(matching) > 1:
            ambiguous[parameter] = matching
    return found, ambiguous


@dataclass
class _Cell:
    """A genre cell that is not a text.

    Attributes:
        value: the first such cell.
        names: what it states before the column's numbers are decided.
        rows: the number of rows.
    """

    value: object
    names: Names
    rows: int = 0


class _GenreCounts:
    """Counts of the genres of a column that is read chunk by chunk.

    The whole column decides how texts and numbers are read: cells are counted first, and read at
    the end, or as soon as there are too many of them; the cells after these are read as decided.
    """

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.unreadable = 0
        self.example = ""
        self.reason = ""
        self.reader = GenreReader()
        self._decided = False
        self._texts: Counter[str] = Counter()
        self._cells: dict[object, _Cell] = {}

    def add(self, chunk: TableChunk, name: str) -> None:
        values = genre_values(chunk, name)
        self._texts.update(text_counts(values))
        if isinstance(values, list) or not is_plain_text(values.type):
            self._add_others(column_values(values))
        if len(self._texts) + len(self._cells) > _CELLS_HELD:
            self.finish()

    def _add_others(self, values: Sequence[object]) -> None:
        """Count the values that are not texts."""
        for value in values:
            if value is None or isinstance(value, str):
                continue
            names = self.reader.unsettled(value)
            kinds = tuple(map(type, names)) if isinstance(names, list) else ()
            key = type(names), kinds, tuple(names) if isinstance(names, list) else names
            self._cells.setdefault(key, _Cell(value, names)).rows += 1

    def finish(self) -> None:
        """Read the cells counted so far."""
        if not self._decided:
            self.reader = GenreReader.of(self._texts)
            read = [(cell.names, cell.rows) for cell in self._cells.values()]
            read += [(self.reader.unsettled(text), rows) for text, rows in self._texts.items()]
            if are_weights(read):
                self.reader = replace(self.reader, weights=True)
            self._decided = True
        for cell in self._cells.values():
            self._count(self.reader.settled(cell.names), cell.value, cell.rows)
        for text, rows in self._texts.items():
            self._count(self.reader.read(text), text, rows)
        self._texts.clear()
        self._cells.clear()

    def _count(self, names: Names, value: object, rows: int) -> None:
        if isinstance(names, list):
            self.rows.update(dict.fromkeys(names, rows))
        elif names is CellState.UNREADABLE:
            if not self.unreadable:
                self.example, self.reason = _shown(value), unread_reason(value)
            self.unreadable += rows


def _shown(value: object) -> str:
    """Return a cell for messages: a text, or the start of another value."""
    return value if isinstance(value, str) else str(value)[:_SHOWN]
