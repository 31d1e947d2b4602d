"""The genres that a catalog has already, counted chunk by chunk."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pyarrow as pa

from genre_batch.catalog.chunk import Chunk
from genre_batch.catalog.columns import GENRE_COLUMNS, matching_columns
from genre_batch.catalog.genre_values import read_value
from genre_batch.catalog.genres import GenreReader, column_values, genre_values, text_counts
from genre_batch.catalog.list_items import item_counts
from genre_batch.catalog.nested import is_list
from genre_batch.names import clean_name

__all__ = ["OwnGenres"]

_MOST_TEXTS = 50_000
"""Distinct genre cells that are kept; a column with more is not one of genres."""


@dataclass
class _Cells:
    """The cells of one column.

    Attributes:
        texts: text -> its rows.
        names: name in a list -> its rows.
        too_many: whether there were too many distinct texts for a column of genres.
    """

    texts: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    too_many: bool = False

    def add(self, values: pa.ChunkedArray | Sequence[object]) -> None:
        """Count the values of a genre column."""
        if isinstance(values, pa.ChunkedArray):
            counts = item_counts(values)
            if counts is not None:
                self.names.update(counts)
                return
            if is_list(values.type):
                values = column_values(values)
        self.texts.update(text_counts(values))
        if not isinstance(values, pa.ChunkedArray):
            for value in values:
                names = read_value(value) if isinstance(value, list) else None
                self.names.update(names if isinstance(names, list) else ())
        self._limit()

    def merge(self, other: _Cells) -> None:
        """Add the cells of other rows."""
        self.texts.update(other.texts)
        self.names.update(other.names)
        self.too_many = self.too_many or other.too_many
        self._limit()

    def _limit(self) -> None:
        if self.too_many or len(self.texts) > _MOST_TEXTS:
            self.too_many = True
            self.texts.clear()

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {"texts": dict(self.texts), "names": dict(self.names), "too_many": self.too_many}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Restore the counts from the values of `as_dict`."""
        return cls(Counter(values["texts"]), Counter(values["names"]), values["too_many"])


class OwnGenres:
    """Counts of every column that may be that of the genres.

    A chunk of JSON Lines has only the columns that its rows have, so which column it is shows after
    the last chunk.
    """

    def __init__(self, column: str | None = None) -> None:
        """Start without rows.

        Args:
            column: the column that has the genres, if the catalog has it; else it is found by its
                usual names.
        """
        self._wanted = column
        self._cells: dict[str, _Cells] = {}

    def add(self, chunk: Chunk) -> None:
        """Count the genres of the next rows."""
        for name in chunk.columns:
            if name == self._wanted or matching_columns((name,), GENRE_COLUMNS):
                self._cells.setdefault(name, _Cells()).add(genre_values(chunk, name))

    def merge(self, other: OwnGenres) -> None:
        """Add the counts of other rows of the same catalog."""
        self._wanted = self._wanted or other._wanted
        for name, cells in other._cells.items():
            self._cells.setdefault(name, _Cells()).merge(cells)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        cells = {name: cells.as_dict() for name, cells in self._cells.items()}
        return {"wanted": self._wanted, "cells": cells}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Restore the counts from the values of `as_dict`.

        Raises:
            KeyError, TypeError, ValueError: the values are those of something else.
        """
        genres = cls(values["wanted"])
        genres._cells = {name: _Cells.from_dict(cells) for name, cells in values["cells"].items()}
        return genres

    @property
    def column(self) -> str | None:
        """The column of the genres; None if there is none, or it has too many distinct texts."""
        found = matching_columns(tuple(self._cells), GENRE_COLUMNS)
        name = self._wanted if self._wanted in self._cells else next(iter(found), None)
        return None if name is None or self._cells[name].too_many else name

    def counts(self, read: Callable[[str], Sequence[str]] | None = None) -> Counter[str] | None:
        """Return genre -> its rows; None without a column of genres.

        Args:
            read: returns the genres that a name of the catalog stands for; None: itself.
        """
        if (column := self.column) is None:
            return None
        counts: Counter[str] = Counter()

        def add(names: Sequence[str], rows: int) -> None:
            cleaned = map(clean_name, names)
            genres = cleaned if read is None else itertools.chain.from_iterable(map(read, cleaned))
            counts.update(dict.fromkeys(genres, rows))

        # In an order of their own: how chunks and parts divide the rows must not matter.
        cells = self._cells[column]
        texts = dict(sorted(cells.texts.items(), key=lambda item: (-item[1], item[0])))
        reader = GenreReader.of(texts)
        for text, rows in texts.items():
            names = reader.read(text)
            add(names if isinstance(names, list) else (), rows)
        for name, rows in cells.names.items():
            add((name,), rows)
        return counts
