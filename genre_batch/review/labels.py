"""The labels of a catalog: where they are, how they are written, how to change them.

One genre column, or one column of flags for each genre (`label_columns`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.genre_values import read_value
from genre_batch.catalog.genres import GenreReader, genre_values, text_counts
from genre_batch.catalog.list_items import item_counts
from genre_batch.catalog.texts import holds_text
from genre_batch.names import clean_name
from genre_batch.review.cells import ColumnStyle, Reading, Readings, Spelling
from genre_batch.review.members import member_text

__all__ = ["GenreColumn", "GenreEdit", "Labels", "Reading"]


_SAMPLED = 200
"""Lists of JSON Lines whose own text shows how lists are written."""


@dataclass(frozen=True)
class GenreEdit:
    """The change of a row's genres.

    Attributes:
        remove: keys of the genres to remove (`Spelling.key`).
        add: the genres to add.
    """

    remove: Collection[str]
    add: Sequence[str]


class Labels(ABC):
    """The labels of a catalog.

    Attributes:
        columns: the columns that hold them.
    """

    columns: tuple[str, ...]

    @abstractmethod
    def add(self, chunk: Chunk) -> None:
        """Learn from a chunk how labels are written."""

    @abstractmethod
    def empty_copy(self) -> Labels:
        """Return labels of the same columns and options, without a row."""

    @abstractmethod
    def merge(self, other: Labels) -> None:
        """Learn from the labels of another file how those of the whole catalog are written."""

    @abstractmethod
    def finish(self, whole: Labels | None = None) -> None:
        """Decide, after the last chunk, how labels are read and written.

        Args:
            whole: the finished labels of all files of the catalog; None: these are all.
        """

    @abstractmethod
    def known(self) -> tuple[str, ...]:
        """Return the genres that occur in the catalog."""

    @abstractmethod
    def read_as(self, read: Reading) -> None:
        """Read names of the catalog and of the review as other genres, after `finish`."""

    @property
    @abstractmethod
    def spelling(self) -> Spelling:
        """How the catalog calls its genres."""

    def key(self, name: str) -> str:
        """Return what names of the same genres have in common."""
        return self.spelling.key(name)

    def keys(self, name: str) -> frozenset[str]:
        """Return the keys of the genres that a name is read as."""
        return self.spelling.keys(name)

    @abstractmethod
    def genres(self, values: Mapping[str, Any]) -> list[str]:
        """Return the genres of a row as the catalog writes them, from the values of `columns`."""

    @abstractmethod
    def changed(self, values: Mapping[str, Any], edit: GenreEdit) -> dict[str, Any]:
        """Return new values of a row's columns.

        Args:
            values: of `columns`.
            edit: of its genres.

        Raises:
            CellError: a cell's style is not understood.
        """

    @abstractmethod
    def changed_json(
        self, members: Mapping[str, str], edit: GenreEdit, *, ascii_only: bool
    ) -> dict[str, str]:
        """Return the new JSON texts of an object's members.

        Args:
            members: column -> JSON text of the member's value; nothing where it is missing.
            remove, add: as in `changed`.
            ascii_only: whether other characters are escaped.

        Raises:
            CellError: a value's style is not understood.
        """


class GenreColumn(Labels):
    """A column with all genres of a row in one cell."""

    def __init__(
        self,
        name: str,
        separator: str | None,
        gap: str,
        genre_of: Mapping[str, str],
    ) -> None:
        """Start without a row.

        Args:
            name: the column.
            separator: the string between two genres of a cell; None: found over the whole column.
            gap: what to write between two genres if no row has two.
            genre_of: what cells hold -> genre, where that is not the same.
        """
        self.columns = (name,)
        self._name = name
        self._separator = separator
        self._gap = gap
        self._genre_of = genre_of
        self._texts: Counter[str] = Counter()
        self._samples: Counter[str] = Counter()
        self._items: Counter[str] = Counter()
        self._structs: dict[str, dict[str, Any]] = {}
        self._is_text = False
        self._lists = 0
        self._reader = GenreReader()
        self._whole: GenreColumn | None = None
        self._style = self._list_style = ColumnStyle(self._reader)

    def add(self, chunk: Chunk) -> None:
        """Learn from a chunk how labels are written."""
        if isinstance(chunk, TableChunk) and self._name not in chunk.columns:
            return
        values = genre_values(chunk, self._name)
        self._texts.update(text_counts(values))
        if isinstance(values, pa.ChunkedArray):
            kind = values.type
            self._is_text = self._is_text or holds_text(kind)
            if holds_text(kind):
                return
            if (counts := item_counts(values)) is not None:
                self._items.update(counts)
                return
            values = values.to_pylist()
        for index, value in enumerate(values):
            if isinstance(value, list):
                self._add_list(value)
                if isinstance(chunk, JsonLinesChunk) and len(self._samples) < _SAMPLED:
                    text = member_text(chunk.lines[index].decode(), self._name)
                    self._samples[text or "[]"] += 1

    def _add_list(self, value: list[Any]) -> None:
        self._lists += 1
        for item in value:
            names = read_value([item])
            if isinstance(names, list) and len(names) == 1:
                self._items[str(names[0])] += 1
                if isinstance(item, dict):
                    self._structs.setdefault(str(names[0]), item)

    def empty_copy(self) -> Labels:
        """Return labels of the same column and options, without a row."""
        return GenreColumn(self._name, self._separator, self._gap, self._genre_of)

    def merge(self, other: Labels) -> None:
        """Learn from the labels of another file; see `Labels.merge`."""
        assert isinstance(other, GenreColumn)
        self._texts.update(other._texts)
        self._items.update(other._items)
        self._samples.update(other._samples)
        self._structs = {**other._structs, **self._structs}
        self._is_text = self._is_text or other._is_text
        self._lists += other._lists

    def finish(self, whole: Labels | None = None) -> None:
        """Decide, after the last chunk, how labels are read and written; see `Labels.finish`."""
        if isinstance(whole, GenreColumn):
            self._whole = whole
            self._reader = whole._reader
        else:
            numbers = bool(self._genre_of)
            self._reader = GenreReader.of(self._texts, self._separator, numbers=numbers)
        for text, rows in self._texts.items():
            names = self._reader.read(text)
            if isinstance(names, list):
                for name in names:
                    self._items[name] += rows
        self.read_as(lambda name: (name,))

    def read_as(self, read: Reading) -> None:
        """Read names as other genres; see `Labels.read_as`."""
        whole = self if self._whole is None else self._whole
        names = dict.fromkeys([name for name, _ in self._items.most_common()])
        names |= dict.fromkeys([name for name, _ in whole._items.most_common()])
        names |= dict.fromkeys(self._genre_of)
        genres_of = Readings(self._genre_of, read)
        bare = Spelling(genres_of)
        written: dict[str, str] = {}
        for name in names:
            if len(bare.keys(name)) == 1:
                written.setdefault(bare.key(name), name)
        spelling = Spelling(genres_of, written)
        shown = self if self._texts or self._lists else whole
        self._style = ColumnStyle.of(
            self._texts,
            self._reader,
            spelling,
            gap=self._gap if whole is self else whole._style.gap,
            structs={**whole._structs, **self._structs},
            lists=2 * shown._lists > shown._texts.total() + shown._lists,
        )
        if whole is not self:
            self._style = self._style.like_others(whole._style)
        self._list_style = ColumnStyle.of(
            self._samples,
            GenreReader(numbers=bool(self._genre_of)),
            spelling,
            gap=", ",
            structs={},
            lists=True,
        )

    def known(self) -> tuple[str, ...]:
        """Return the genres that occur in the catalog."""
        names = {clean_name(self._genre_of.get(name, name)): None for name in self._items}
        return tuple({**names, **dict.fromkeys(map(clean_name, self._genre_of.values()))})

    @property
    def spelling(self) -> Spelling:
        """How the catalog calls its genres."""
        return self._style.spelling

    def genres(self, values: Mapping[str, Any]) -> list[str]:
        """Return the genres of a row as the catalog writes them, from the values of `columns`."""
        names = self._style.reader.read_any(values.get(self._name))
        return names if isinstance(names, list) else []

    def changed(self, values: Mapping[str, Any], edit: GenreEdit) -> dict[str, Any]:
        """Return new values of a row's columns; see `Labels.changed`."""
        old = values.get(self._name)
        return {self._name: self._style.value(old, edit.remove, edit.add, is_text=self._is_text)}

    def changed_json(
        self, members: Mapping[str, str], edit: GenreEdit, *, ascii_only: bool
    ) -> dict[str, str]:
        """Return the new JSON texts of an object's members; see `Labels.changed_json`."""
        old = members.get(self._name)
        is_list = self._style.lists if old in (None, "null") else (old or "").startswith("[")
        style = self._list_style if is_list else self._style
        text = style.json_text(old, edit.remove, edit.add, ascii_only=ascii_only)
        return {self._name: text}
