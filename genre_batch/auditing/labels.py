"""The genre cells of a catalog that is read chunk by chunk: one code for each distinct cell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.auditing.label_rows import LabelRows
from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.genre_values import CellState
from genre_batch.catalog.genres import (
    GenreCells,
    GenreReader,
    column_values,
    genre_values,
    is_plain_text,
    read_genres,
)
from genre_batch.catalog.nested import is_list
from genre_batch.catalog.options import ColumnOptions
from genre_batch.catalog.texts import as_strings
from genre_batch.dataset.genre_names import GenreNames
from genre_batch.dataset.label_cells import named
from genre_batch.dataset.labelled import LabelledColumns, encode_labels

__all__ = ["CellCodes", "Labels"]

_JOINT = "\x1f"
"""A control character, which no genre has, between the names of a list."""
_TEXT, _LIST, _VALUE, _NULL = "t", "l", "v", "n"
"""The first letter of a key: what kind of cell it is of."""


@dataclass(frozen=True, eq=False)
class Labels:
    """What every code states.

    Attributes:
        matrix: (codes, genres) uint8, 0 or 1: which genres of the model a cell has.
        labeled: (codes,) bool: whether a cell has a genre, or states that its row has none.
        names: (codes,) the names in each cell; those of the model as it spells them.
        own: (codes,) the names in each cell as the catalog has them.
        in_columns: (codes,) the names of genres that `label_columns` state, not cleaned; nothing
            without such columns.
        rows: (codes,) int64, the number of rows with text that have the cell.
        all_rows: (codes,) int64, the number of all rows that have the cell.
        unknown: the genres that the model does not know -> their rows with text, most first.
        naming: how the names in the cells were read.
        unreadable: the number of rows whose cell could not be read.
        example: the first such cell, cut; empty if there is none.
    """

    matrix: npt.NDArray[np.uint8]
    labeled: npt.NDArray[np.bool_]
    names: list[list[str]]
    own: Sequence[Sequence[str]]
    in_columns: Sequence[Sequence[str]]
    rows: npt.NDArray[np.int64]
    all_rows: npt.NDArray[np.int64]
    unknown: dict[str, int]
    naming: GenreNames
    unreadable: int
    example: str

    @property
    def any_known(self) -> bool:
        """Whether some row with text has a genre of the model, or states that it has none.

        Where the model does not know every genre, a row that states that it has none may speak of
        the others only, and does not count.
        """
        is_empty = np.array([not names for names in self.names], dtype=np.bool_)
        is_known = self.matrix.any(axis=1)
        if not self.unknown:
            is_known |= self.labeled & is_empty
        return bool((self.rows[is_known] > 0).any())

    def count_names(self) -> dict[str, int]:
        """Return each name, as the model spells it if it is one of its genres -> all its rows."""
        counts: Counter[str] = Counter()
        for cell, rows in zip(self.names, self.all_rows.tolist(), strict=True):
            counts.update(dict.fromkeys(cell, rows))
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def rows_labeled(self) -> int:
        """The number of rows with text whose genres are known."""
        return int(self.rows[self.labeled].sum())


class CellCodes:
    """Distinct genre cells, numbered as they appear.

    How a text or a flag is read depends on all cells of its column, so the cells are read after the
    last chunk. A catalog repeats its few hundred or thousand combinations of genres, which fit in
    memory.
    """

    def __init__(
        self, columns: LabelledColumns, options: ColumnOptions, *, delimited: bool
    ) -> None:
        """Start without cells.

        Args:
            columns: which columns hold the genres.
            options: how they are read.
            delimited: whether the catalog is CSV or TSV, which write null and an empty text alike.
        """
        self._columns = columns
        self._options = options
        self._delimited = delimited
        self._code_of: dict[str, int] = {}
        self._values: list[object] = []
        self._label_rows = LabelRows(columns.label_columns) if columns.label_columns else None
        self._rows = np.zeros(0, dtype=np.int64)
        self._rows_with_text = np.zeros(0, dtype=np.int64)

    def add(self, chunk: TableChunk, has_text: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
        """Return (rows,) int32: the code of each row's cell.

        Args:
            chunk: the next rows.
            has_text: (rows,) bool.
        """
        encoded, values = self._keys(chunk)
        distinct = encoded.dictionary.to_pylist()
        if encoded.null_count:
            distinct.append(_NULL)
        indices = encoded.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False)
        found = list(map(self._code_of.get, distinct))
        for index, code in enumerate(found):
            if code is None:
                found[index] = self._code_of[distinct[index]] = len(self._values)
                self._values.append(_value(distinct[index], values))
        codes = np.array(found, dtype=np.int32)
        new = len(self._values) - len(self._rows)
        self._rows = np.pad(self._rows, (0, new))
        self._rows_with_text = np.pad(self._rows_with_text, (0, new))
        self._rows[codes] += np.bincount(indices, minlength=len(distinct))
        self._rows_with_text[codes] += np.bincount(indices[has_text], minlength=len(distinct))
        return np.asarray(codes[indices])

    def _keys(self, chunk: TableChunk) -> tuple[pa.DictionaryArray, Mapping[str, object]]:
        """Return (rows,) a key of each cell, null for null, and the values of keys of no texts."""
        if self._label_rows is not None:
            keys = self._label_rows.keys(chunk)
            return keys, dict.fromkeys(keys.dictionary.to_pylist())
        column = genre_values(chunk, self._columns.genres)
        if isinstance(column, list):
            return _keys_of(column)
        array = column.combine_chunks()
        if is_plain_text(array.type):
            return _prefixed(_TEXT, as_strings(array)), {}
        if is_list(array.type) and pa.types.is_string(array.type.value_type):
            plain = array.cast(pa.list_(pa.string()))
            if not plain.flatten().null_count:
                return _prefixed(_LIST, pc.binary_join(plain, _JOINT)), {}
        return _keys_of(column_values(array))

    def finish(self, labels: Sequence[str]) -> Labels:
        """Read the cells, once every chunk was added.

        Args:
            labels: the genres of the model.

        Raises:
            UsageError, CatalogError: `genre_map` cannot be used, or a number or code has no name in
                it or in `label_names`; or a cell of `label_columns` is neither a flag nor a name.
        """
        read = self._read()
        cells = named(read, self._options)
        naming = GenreNames.of(self._options, labels)
        rows = self._rows_with_text
        names = naming.read(cells.genres, rows.tolist())
        states = cells.states
        has_columns = self._label_rows is not None
        if self._delimited and not has_columns and _TEXT not in self._code_of:
            nulls = np.array([value is None for value in self._values], dtype=np.bool_)
            states = np.where(nulls, CellState.EMPTY, states).astype(np.int8)
        labeled = np.array([bool(cell) for cell in names], dtype=np.bool_)
        if self._options.empty == "negative" or (has_columns and self._options.empty is None):
            labeled |= states == CellState.EMPTY
        known = set(labels)
        unknown: Counter[str] = Counter()
        for cell, count in zip(names, rows.tolist(), strict=True):
            unknown.update({name: count for name in cell if name not in known and count})
        unreadable = np.flatnonzero(cells.states == CellState.UNREADABLE)
        return Labels(
            matrix=encode_labels(names, labels),
            labeled=labeled,
            names=names,
            own=cells.genres,
            in_columns=read.genres if has_columns else (),
            rows=rows,
            all_rows=self._rows,
            unknown=dict(unknown.most_common()),
            naming=naming,
            unreadable=int(self._rows[unreadable].sum()),
            example=cells.example[1],
        )

    def _read(self) -> GenreCells:
        """Return the names in every distinct cell, as all rows together decide how to read them."""
        if self._label_rows is not None:
            return self._label_rows.read()
        columns = self._columns
        texts = {
            value: count
            for value, count in zip(self._values, self._rows.tolist(), strict=True)
            if isinstance(value, str)
        }
        reader = GenreReader.of(texts, columns.separator, numbers=columns.numbers)
        likely = columns.likely_separator
        if columns.separator is None and likely is not None and reader.is_plain:
            reader = GenreReader.of(texts, likely, numbers=columns.numbers)
        return read_genres(self._values, reader=reader)


def _prefixed(kind: str, texts: pa.Array) -> pa.DictionaryArray:
    """Return keys of texts; null for null."""
    encoded = texts.dictionary_encode()
    keys = pc.binary_join_element_wise(pa.scalar(kind), encoded.dictionary, "")
    return pa.DictionaryArray.from_arrays(encoded.indices, keys)


def _keys_of(values: Sequence[object]) -> tuple[pa.DictionaryArray, Mapping[str, object]]:
    """Return keys of values of any type, and the value of each key."""
    keys = [_VALUE + json.dumps(value, default=str) for value in values]
    encoded = pa.array(keys, pa.string()).dictionary_encode()
    return encoded, dict(zip(keys, values, strict=True))


def _value(key: str, values: Mapping[str, object]) -> object:
    """Return the value of a cell."""
    if key in values:
        return values[key]
    if key[0] == _NULL:
        return None
    if key[0] == _TEXT:
        return key[1:]
    return key[1:].split(_JOINT) if len(key) > 1 else []
