"""Read a column of genres, of any type and in any style, as lists of genre names."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.genre_objects import Flagged, Weighted
from genre_batch.catalog.genre_values import (
    CellState,
    Names,
    Number,
    enclosed,
    read_text,
    read_value,
    unescaped,
    unread_reason,
)
from genre_batch.catalog.literals import opens_call
from genre_batch.catalog.nested import without_views
from genre_batch.catalog.separators import Separators, find_separators
from genre_batch.catalog.texts import as_strings, holds_text

__all__ = [
    "CellState",
    "GenreCells",
    "GenreReader",
    "are_weights",
    "column_values",
    "genre_values",
    "is_placeholder",
    "is_plain_text",
    "read_genres",
    "text_counts",
]

_PLACEHOLDERS = frozenset(
    ("unknown", "none", "na", "other", "undefined", "unlabeled", "untagged", "tbd", "-", "--", "?")
)
"""Genres, in lower case, that probably mean that a row has none: they are reported, but kept."""
_BRACKETS = tuple("[{(<")
_MISTYPED = 0.1
"""The share of objects with other numbers than 0 and 1 up to which these are flags all the same."""
_SHOWN = 60
"""The number of characters of a cell that a message shows."""


@dataclass(frozen=True)
class GenreReader:
    """How the cells of one column are read, decided over all of them.

    Attributes:
        separators: what separates the genres of a text.
        style: the style of `enclosed` that the column's texts have; None: none of them.
        lists: whether most of the column's texts are lists, so that a text that starts like one
            but cannot be read is not a name.
        numbers: whether integers outside of texts are genres.
        weights: whether the numbers of objects from name to number are counts or weights, so that
            0 and 1 are not flags.
    """

    separators: Separators = field(default_factory=Separators)
    style: str | None = None
    lists: bool = False
    numbers: bool = False
    weights: bool = False

    @classmethod
    def of(
        cls, cells: Mapping[str, int], separator: str | None = None, *, numbers: bool = False
    ) -> GenreReader:
        """Decide how to read texts.

        Args:
            cells: distinct texts -> number of rows, in the order of the column.
            separator: the separator, as the user named it; None: it is found.
            numbers: whether integers outside of texts are genres.
        """
        if separator is not None:
            return cls(Separators(given=separator, cells=sum(cells.values())), numbers=numbers)
        texts = {cell: read_text(cell) for cell in cells}
        plain = {text: cells[cell] for cell, text in texts.items() if isinstance(text, str)}
        read = sum(isinstance(text, list) for text in texts.values())
        reader = cls(style=_common_style(plain), lists=read > len(plain))
        to_split: Counter[str] = Counter()
        for text, rows in plain.items():
            content = reader._content(text)
            if isinstance(content, str):
                to_split[content] += rows
        weights = are_weights((text, cells[cell]) for cell, text in texts.items())
        return cls(find_separators(to_split), reader.style, reader.lists, numbers, weights)

    @property
    def is_plain(self) -> bool:
        """Whether texts are names and separators, not lists or another style."""
        return self.style is None and not self.lists

    def read(self, cell: str) -> Names:
        """Return the distinct genres of a text, or the reason that it has none."""
        return self.settled(self._read(cell))

    def read_any(self, value: object) -> Names:
        """Return the distinct genres of a value of any type, or the reason that it has none."""
        return self.settled(self.unsettled(value))

    def unsettled(self, value: object) -> Names:
        """Return the genres of a value of any type before the column's numbers are decided."""
        if isinstance(value, str):
            return self._read(value)
        names = read_value(value)
        assert not isinstance(names, str)
        return names

    def settled(self, names: Names) -> Names:
        """Return genres without numbers that are none, or the reason that there are none."""
        if not isinstance(names, list):
            return names
        if self.weights and isinstance(names, Flagged):
            return CellState.UNREADABLE
        return names or CellState.UNREADABLE if self.numbers else without_numbers(names)

    def _read(self, cell: str) -> Names:
        text = read_text(cell)
        if self.separators.given is not None:
            if text is CellState.EMPTY or text is CellState.UNKNOWN:
                return text
            return self.separators.split(unescaped(cell.strip())) or CellState.EMPTY
        if isinstance(text, Flagged | Weighted):
            return text
        content = self._content(text) if isinstance(text, str) else text
        if isinstance(content, str):
            return self.separators.split(content) or CellState.UNREADABLE
        if isinstance(content, list):
            return list(dict.fromkeys(content)) or CellState.EMPTY
        return content

    def _content(self, text: str) -> Names | str:
        """Return the names of a text in the column's style, or the text that is to be split."""
        found = None if self.style is None else enclosed(text)
        if found is not None:
            style, names = found
            if style == self.style:
                return names
            if self.style == "[a][b]" and isinstance(names, str):
                return [names.strip()]
        if (self.lists or self.style is not None) and (text[:1] in _BRACKETS or opens_call(text)):
            return CellState.UNREADABLE
        return text


def without_numbers(names: list[str]) -> Names:
    """Return the names that are not integers; without any, the cell cannot be read."""
    kept = [name for name in names if not isinstance(name, Number)]
    return kept or CellState.UNREADABLE


def are_weights(cells: Iterable[tuple[Names | str, int]]) -> bool:
    """Return whether the numbers in objects from name to number are weights and not flags.

    Args:
        cells: what was read of a cell, and its number of rows.
    """
    flagged = weighted = 0
    for names, rows in cells:
        flagged += rows * isinstance(names, Flagged)
        weighted += rows * isinstance(names, Weighted)
    return weighted > _MISTYPED * (flagged + weighted)


def _common_style(texts: Iterable[str]) -> str | None:
    """Return the style of `enclosed` that at least half of the texts have; None: there is none."""
    styles = Counter(None if (found := enclosed(text)) is None else found[0] for text in texts)
    total = sum(styles.values())
    if styles["[a][b]"]:  # `[a]` is of either style
        styles["[a][b]"] += styles.pop("[a, b]", 0)
    style, count = max(styles.items(), key=lambda item: item[1], default=(None, 0))
    return style if style is not None and 2 * count >= total else None


@dataclass(frozen=True, eq=False)
class GenreCells:
    """A column of genres, as it was read.

    Attributes:
        genres: (rows,) lists of distinct names; empty where a row has none.
        states: (rows,) int8, `CellState` of each cell.
        reader: how texts were read.
        unreadable: the number of cells that could not be read.
        example: the row of the first one (0-based), and the cell as text, cut.
        reason: why it cannot be read, as a clause; empty if that is not known.
    """

    genres: list[list[str]]
    states: npt.NDArray[np.int8]
    reader: GenreReader
    unreadable: int
    example: tuple[int, str]
    reason: str = ""

    @property
    def placeholders(self) -> dict[str, int]:
        """Genres that probably mean that a row has none -> their number of rows."""
        counts = Counter(
            names[0] for names in self.genres if len(names) == 1 and is_placeholder(names[0])
        )
        return dict(counts)


def is_placeholder(name: str) -> bool:
    """Return whether a genre probably means that a row has none."""
    letters = any(letter.isalnum() or unicodedata.category(letter) == "So" for letter in name)
    return name.lower() in _PLACEHOLDERS or not letters  # emoji are names


def genre_values(chunk: Chunk, name: str) -> pa.ChunkedArray | list[object]:
    """Return the genre column of a chunk: an Arrow column, or values of JSON of several types."""
    if isinstance(chunk, JsonLinesChunk):
        values = (row.get(name) for row in chunk.objects)
        return [None if value in chunk.nulls else value for value in values]
    column = chunk.column(name)
    if name in chunk.texts and pa.types.is_string(column.type):
        # JSON values of several types, of which those that are not strings are JSON text.
        pairs = zip(chunk.strings(name).to_pylist(), column.to_pylist(), strict=True)
        return [value if text is None is not value else text for text, value in pairs]
    return column


def text_counts(column: pa.ChunkedArray | Sequence[object]) -> Counter[str]:
    """Return text -> number of rows, for the texts of a genre column, in its order."""
    if isinstance(column, pa.ChunkedArray) and holds_text(column.type):
        counts = as_strings(column).value_counts()
        pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
        return Counter({text: count for text, count in pairs if text is not None})
    return Counter(value for value in column_values(column) if isinstance(value, str))


def read_genres(
    column: pa.ChunkedArray | pa.Array | Sequence[object],
    separator: str | None = None,
    reader: GenreReader | None = None,
    *,
    numbers: bool = False,
) -> GenreCells:
    """Read a column of genres.

    Args:
        column: texts, numbers, flags, lists of any layout, structs or maps, also in a dictionary
            or in runs; or the values of such a column.
        separator: the string between two genres of a text; None: found over the whole column.
        reader: how to read texts; None: decided over the column.
        numbers: whether integers outside of texts are genres; if not, they cannot be read.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not isinstance(column, pa.Array) or not is_plain_text(column.type):
        values = column_values(column)
        reader = reader or GenreReader.of(text_counts(values), separator, numbers=numbers)
        unsettled = list(map(reader.unsettled, values))
        if (
            not numbers
            and Weighted in set(map(type, unsettled))
            and are_weights((names, 1) for names in unsettled)
        ):
            reader = replace(reader, weights=True)
        return _cells(list(map(reader.settled, unsettled)), reader, values.__getitem__)
    # A catalog repeats its few hundred genre combinations: each distinct cell is read once.
    encoded = as_strings(column).dictionary_encode()
    distinct: list[str] = encoded.dictionary.to_pylist()
    codes: list[int] = encoded.indices.fill_null(-1).to_pylist()
    if reader is None:
        counts = Counter(code for code in codes if code >= 0)
        cells_of = {text: counts[i] for i, text in enumerate(distinct)}
        reader = GenreReader.of(cells_of, separator, numbers=numbers)
    read = [reader.read(text) for text in distinct]
    cells = [CellState.UNKNOWN if code < 0 else read[code] for code in codes]
    return _cells(cells, reader, lambda row: distinct[codes[row]])


def is_plain_text(kind: pa.DataType) -> bool:
    """Return whether the values of a column of this type are texts or null, and nothing else."""
    return holds_text(kind) and not isinstance(kind, pa.JsonType) and not pa.types.is_union(kind)


def column_values(column: pa.ChunkedArray | pa.Array | Sequence[object]) -> Sequence[object]:
    """Return the values of a column; of JSON texts, the values that they are."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not isinstance(column, pa.Array):
        return column
    if isinstance(column.type, pa.JsonType):
        texts = column.storage.to_pylist()
        return [None if text is None else _json(text) for text in texts]
    values: list[object] = without_views(column).to_pylist()
    return values


def _json(text: str) -> object:
    """Return the value of a JSON text; the text itself if it is damaged."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _cells(
    cells: Sequence[Names], reader: GenreReader, value_of: Callable[[int], object]
) -> GenreCells:
    """Collect the cells; `value_of` returns the value of a row's cell."""
    states = [CellState.LABELED if isinstance(cell, list) else cell for cell in cells]
    unreadable = [row for row, state in enumerate(states) if state is CellState.UNREADABLE]
    return GenreCells(
        genres=[cell if isinstance(cell, list) else [] for cell in cells],
        states=np.array(states, dtype=np.int8),
        reader=reader,
        unreadable=len(unreadable),
        example=(unreadable[0], str(value_of(unreadable[0]))[:_SHOWN]) if unreadable else (-1, ""),
        reason=unread_reason(value_of(unreadable[0])) if unreadable else "",
    )
