"""The rows of `label_columns` in a catalog that is read chunk by chunk, each distinct one once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.genres import GenreCells, read_genres
from genre_batch.catalog.label_columns import read_label_columns

__all__ = ["LabelRows"]


class LabelRows:
    """Distinct rows of the columns of genres, in their order.

    Whether -1 or a blank cell is a no depends on all rows of the columns, so the rows are kept as
    they are and read after the last chunk.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        """Start without rows.

        Args:
            columns: the columns of genres, at least one.
        """
        self._columns = list(columns)
        self._ids: dict[str, int] = {}
        self._known: set[str] = set()
        self._distinct: list[pa.Table] = []
        self._numbers: list[int] = []
        self._rows = 0

    def keys(self, chunk: TableChunk) -> pa.DictionaryArray:
        """Return (rows,) a key of each row, the same for rows with the same cells; none is null.

        Args:
            chunk: the next rows.
        """
        columns = [chunk.column(name) for name in self._columns]
        ids = np.stack([self._ids_of(column) for column in columns], axis=1)
        packed = ids.view(np.dtype((np.void, ids.shape[1] * ids.itemsize))).ravel()
        _, first, places = np.unique(packed, return_index=True, return_inverse=True)
        in_order = np.argsort(first)
        first = first[in_order]
        keys = [ids[row].tobytes().hex() for row in first.tolist()]
        rows = [
            row for row, key in zip(first.tolist(), keys, strict=True) if key not in self._known
        ]
        if rows:
            self._known.update(keys)
            self._distinct.append(TableChunk(pa.table(columns, self._columns)).take(rows).table)
            self._numbers.extend(self._rows + row for row in rows)
        self._rows += len(chunk)
        indices = np.argsort(in_order)[places].astype(np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(keys, pa.string()))

    def _ids_of(self, column: pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """Return (rows,) a number of each cell, the same for equal cells of all chunks."""
        encoded = column.combine_chunks().dictionary_encode()
        values = [*map(repr, encoded.dictionary.to_pylist()), repr(None)]
        ids = np.array([self._ids.setdefault(value, len(self._ids)) for value in values], np.int32)
        indices = encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
        return np.asarray(ids[indices], dtype=np.int32)

    def read(self) -> GenreCells:
        """Return the genres of the distinct rows, in the order of their first appearance.

        Raises:
            ColumnError: a cell is neither a flag nor a name.
        """
        if not self._distinct:
            return read_genres([])
        table = pa.concat_tables(self._distinct)
        return read_label_columns(table, self._columns, self._numbers)
