"""Genres of a single cell or of a column, as lists of names."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from genre_batch.catalog.genres import read_genres

__all__ = ["parse_cell", "parse_column"]


def parse_cell(cell: str, separator: str | None = None) -> list[str]:
    """Return the distinct genres of one cell, in its order, read without other rows.

    Args:
        cell: the text of the cell.
        separator: the string between two genres; default: found in the cell.
    """
    return parse_column([cell], separator)[0]


def parse_column(
    column: pa.ChunkedArray | pa.Array | Sequence[object], separator: str | None = None
) -> list[list[str]]:
    """Return the genres of each row; arguments as in `read_genres`."""
    return read_genres(column, separator).genres
