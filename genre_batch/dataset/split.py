"""A file that says which row of a catalog is in which part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.catalog.columns import listed
from genre_batch.catalog.formats import Location
from genre_batch.catalog.reading.reader import read_table
from genre_batch.errors import CatalogError, ColumnError

__all__ = ["PARTS", "SplitFile", "read_split_file"]

PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class SplitFile:
    """Rows of a catalog and their parts.

    Attributes:
        name: the file's, for messages.
        parts: row (0-based) -> part, of `PARTS`.
        keys: row -> 16 hexadecimal digits of the overview's `text_key`, where the file tells them.
    """

    name: str
    parts: dict[int, str]
    keys: dict[int, str]

    def check(self, rows: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64]) -> None:
        """Makes sure that the file is of this catalog.

        Args:
            rows: (films,) where each film stands in the catalog.
            keys: (films,) the `text_key` of each one's overview.

        Raises:
            CatalogError: a row has another overview.
        """
        for row, key in zip(rows.tolist(), keys.tolist(), strict=True):
            if self.keys.get(row, f"{key:016x}") != f"{key:016x}":
                raise CatalogError(
                    f"{self.name} is of another catalog: row {row} has another overview"
                )


def read_split_file(location: Location) -> SplitFile:
    """Reads a file with the columns `row`, `part` and perhaps `overview_key`.

    Raises:
        ColumnError: a column is missing.
        CatalogError: a row is no number, or a part is none of `PARTS`.
    """
    table = read_table(location)
    for column in ("row", "part"):
        if column not in table.column_names:
            raise ColumnError(
                f"{location.name}: a split file has the columns row and part; "
                f"columns: {listed(table.column_names)}"
            )
    try:
        rows = [int(row) for row in table.column("row").to_pylist()]
    except (TypeError, ValueError) as error:
        raise CatalogError(f"{location.name}: a row is no number: {error}") from error
    parts = dict(zip(rows, table.column("part").to_pylist(), strict=True))
    unknown = sorted(set(parts.values()) - set(PARTS), key=str)
    if unknown:
        raise CatalogError(f"{location.name}: unknown part {unknown[0]!r}; known: {PARTS}")
    keys: dict[int, str] = {}
    if "overview_key" in table.column_names:
        keys = dict(zip(rows, table.column("overview_key").to_pylist(), strict=True))
    return SplitFile(location.name, parts, keys)
