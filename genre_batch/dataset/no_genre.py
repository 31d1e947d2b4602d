"""Say which genre cells of a catalog cannot be read, and why no row can be used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genre_batch.catalog.genre_values import NUMBERS_BESIDE_NAMES, UNKNOWN_OBJECTS
from genre_batch.catalog.reading.several import row_place
from genre_batch.dataset.labelled_columns import why_no_text
from genre_batch.errors import CatalogError

if TYPE_CHECKING:
    from genre_batch.dataset.labelled import LabelledCatalog

__all__ = ["no_genre_error", "unreadable_cells"]

_NUMBERS = re.compile(r"[\[({]?\s*\d+(?:\.0)?(?:[\s,;|]+\d+(?:\.0)?)*[\s,;|]*[\])}]?")
"""An integer, or several, as text or as a list that may be cut."""
_FIXES = {
    NUMBERS_BESIDE_NAMES: 'write only the genres that a row has, such as ["Drama", "War"]',
    UNKNOWN_OBJECTS: 'give the name of each genre the key "name", as [{"name": "Drama"}]',
}
"""Reason that a cell cannot be read -> what to do."""


def unreadable_cells(catalog: LabelledCatalog) -> str:
    """Return how many genre cells could not be read, where the first of them is, and why."""
    count = catalog.cells.unreadable
    return (
        f"{count:,} {'cell' if count == 1 else 'cells'} of the column {catalog.columns.genres!r} "
        f"could not be read as genres ({_first(catalog)})"
    )


def _first(catalog: LabelledCatalog) -> str:
    row, text = catalog.cells.example
    reason = f"{catalog.cells.reason}; " if catalog.cells.reason else ""
    return f"{reason}the first, in {row_place(catalog.table, row)}: {text!r}"


def no_genre_error(catalog: LabelledCatalog, where: str = "") -> CatalogError:
    """Build the error for a catalog of which no row has both a text and a genre.

    Args:
        catalog: the catalog.
        where: a part of it, for the message.
    """
    cells, column = catalog.cells, catalog.columns.genres
    if cells.unreadable and not any(cells.genres):
        fix = _FIXES.get(cells.reason, "write lists or texts")
        if _NUMBERS.fullmatch(cells.example[1]) is not None:
            fix = "name the numbers in a file for `label_names`"
        return CatalogError(
            f"{catalog.name}: no cell of the column {column!r} could be read as genres "
            f"({_first(catalog)}): choose another column with `genre_column`, or {fix}"
        )
    problem = f": {unreadable_cells(catalog)}" if cells.unreadable else ""
    if not len(catalog):
        problem = ": it has no rows"
    elif not any(cells.genres):
        problem = f": all cells of the column {column!r} are empty"
        if catalog.names.readings:
            shown = ", ".join(map(str, catalog.names.readings[:3]))
            problem = f": the genres of the column {column!r} are left out, {shown}"
    elif not catalog.has_text.any():
        problem = f": {why_no_text(catalog.table, catalog.columns.text)}"
    return CatalogError(
        f"{catalog.name}: no row{where} has both a text and a genre{problem}: check "
        f"`text_column`, `genre_column` and `genre_separator`"
    )
