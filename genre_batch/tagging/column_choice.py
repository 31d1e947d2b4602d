"""Which columns of a catalog the model reads, chosen once, from the first rows that have them."""

from __future__ import annotations

from collections.abc import Sequence

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.columns import (
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    find_column,
    missing_column_error,
)

__all__ = ["ColumnChoice", "text_choice", "title_choice"]

_OBJECTS_SEARCHED = 1000
"""JSON Lines without a text column in the first thousand non-empty objects have none."""


class ColumnChoice:
    """A column to find: in the header of a table, or in the first JSON object that has it.

    Objects before that one do not have the key, so they have no text and get the same result
    whether or not the choice is made: how rows are split into chunks does not matter.

    Attributes:
        name: the column as the catalog spells it; None until it is found.
    """

    def __init__(
        self, candidates: Sequence[str], requested: str | None, parameter: str, required: bool
    ) -> None:
        """Create a choice that is not made yet.

        Args:
            candidates: usual names of such columns, the preferred ones first.
            requested: the name that the user gave; None: one of the candidates.
            parameter: the name of the parameter that takes it, for messages.
            required: whether a catalog without any candidate is an error.
        """
        self.name: str | None = None
        self._candidates = candidates
        self._requested = requested
        self._parameter = parameter
        self._required = required
        self._columns_seen: dict[str, None] = {}
        self._objects_seen = 0

    def find(self, chunk: Chunk) -> str | None:
        """Return the column's name, or None while no row has it.

        Raises:
            ColumnError: the column is missing, or exists in two spellings.
        """
        if isinstance(chunk, JsonLinesChunk):
            if self.name is None:
                self._find_in_objects(chunk)
        elif self.name not in chunk.columns:  # the first table, or that of another catalog
            self._find_in_table(chunk.columns)
        return self.name

    def _find_in_table(self, columns: tuple[str, ...]) -> None:
        if not columns:
            return  # JSON Lines without a single object
        self._columns_seen.update(dict.fromkeys(columns))
        self.name = self._find_among(columns)
        if self.name is None:
            self._raise_if_needed()

    def _find_in_objects(self, chunk: JsonLinesChunk) -> None:
        for row in chunk.objects:
            if self._requested is None or self._requested in row:
                self.name = self._find_among(tuple(row))
            if self.name is not None:
                return
            self._columns_seen.update(dict.fromkeys(row))
            self._objects_seen += bool(row)
            if self._objects_seen == _OBJECTS_SEARCHED:
                self._raise_if_needed()

    def _find_among(self, columns: tuple[str, ...]) -> str | None:
        return find_column(columns, self._candidates, self._requested, self._parameter)

    def finish(self) -> None:
        """Check, after the last chunk, that a needed column was found.

        Raises:
            ColumnError: there were rows with columns, but none with this one.
        """
        if self.name is None and self._columns_seen:
            self._raise_if_needed()

    def _raise_if_needed(self) -> None:
        if self._required or self._requested is not None:
            raise missing_column_error(
                tuple(self._columns_seen), self._candidates, self._requested, self._parameter
            )


def text_choice(requested: str | None) -> ColumnChoice:
    """Create the choice of the overview column, which is required."""
    return ColumnChoice(TEXT_COLUMNS, requested, "text_column", required=True)


def title_choice(requested: str | None) -> ColumnChoice:
    """Create the choice of the title column, which is optional unless requested by name."""
    return ColumnChoice(TITLE_COLUMNS, requested, "title_column", required=False)
