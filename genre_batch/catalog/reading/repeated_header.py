"""Find the header among the rows, where delimited files were joined end to end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.rejects import Reason

__all__ = ["RepeatedHeaders"]

_AROUND = '\ufeff" '
_SPELLINGS = ("{}", " {}", "{} ", "\ufeff{}", '\ufeff"{}"')
"""How a name may stand in a cell; after a byte order mark, quotes are ordinary characters."""


class RepeatedHeaders:
    """Recognizes the rows that have the name of a column in every cell."""

    def __init__(self, names: Sequence[str]) -> None:
        """Take the names.

        Args:
            names: the cells of the header, at least one.
        """
        self._names = [_plain(name) for name in names]
        spellings = {form.format(name) for form in _SPELLINGS for name in self._names}
        self._known = pa.array(sorted(spellings), pa.string())
        self._longest = max(len(spelling.encode()) for spelling in spellings)
        self._has_empty = "" in self._names

    def find(self, table: pa.Table) -> dict[int, Reason]:
        """Return the rows that are headers, and whether their order of columns is the same.

        Args:
            table: strings, with the columns of the header.

        Returns:
            Row -> `repeated_header`, or `other_header` where the columns are in another order.
        """
        if table.num_columns != len(self._names):
            return {}  # R: its headers have no name for the names of rows
        rows: npt.NDArray[np.int64] | None = None
        for column in table.columns:
            cells = column if rows is None else column.take(rows)
            is_name = self._are_names(cells)
            rows = is_name if rows is None else rows[is_name]
            if not len(rows):
                return {}
        assert rows is not None
        found: dict[int, Reason] = {}
        names = sorted(self._names)
        for row in rows.tolist():
            cells = [_plain(column[row].as_py() or "") for column in table.columns]
            if cells == self._names:
                found[row] = "repeated_header"
            elif sorted(cells) == names:
                found[row] = "other_header"
        return found

    def _are_names(self, cells: pa.ChunkedArray) -> npt.NDArray[np.int64]:
        """Return (names,) int64: the positions of the cells that are a column's name."""
        if self._has_empty:
            cells = pc.fill_null(cells, "")
        # Cells longer than every name cannot be one, so that long texts are not compared.
        places = pc.indices_nonzero(pc.less_equal(pc.binary_length(cells), self._longest))
        is_name = pc.is_in(pc.utf8_lower(cells.take(places)), self._known)
        found: npt.NDArray[np.int64] = places.filter(is_name).to_numpy().astype(np.int64)
        return found


def _plain(name: str) -> str:
    return name.strip(_AROUND).lower()
