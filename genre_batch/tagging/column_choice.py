"""Which columns of a catalog the model reads, chosen once, from the first rows that tell."""

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

_OBJECTS_LOOKED_AT = 1000
"""JSON Lines whose first thousand filled objects hold no text column are taken to hold none."""


class ColumnChoice:
    """A column to be found: at once in a table, by the first object that has it in JSON Lines.

    Objects without the key stand before the one that decides; having no text, they are answered
    alike whether it was decided or not, so how the rows came in blocks changes nothing.
    """

    def __init__(
        self, candidates: Sequence[str], asked: str | None, option: str, required: bool
    ) -> None:
        self.name: str | None = None
        self._candidates = candidates
        self._asked = asked
        self._option = option
        self._required = required
        self._seen: dict[str, None] = {}
        self._objects = 0

    def look(self, chunk: Chunk) -> str | None:
        """The column's name, if it is known by now.

        Raises:
            ColumnError: it is not there, or there in two spellings.
        """
        if isinstance(chunk, JsonLinesChunk):
            if self.name is None:
                self._look_at_objects(chunk)
        elif self.name not in chunk.columns:  # the first table, or that of another catalog
            self._look_at_table(chunk.columns)
        return self.name

    def _look_at_table(self, columns: tuple[str, ...]) -> None:
        if not columns:
            return  # JSON Lines without a single object
        self._seen.update(dict.fromkeys(columns))
        self.name = find_column(columns, self._candidates, self._asked, self._option)
        if self.name is None:
            self._refuse()

    def _look_at_objects(self, chunk: JsonLinesChunk) -> None:
        for row in chunk.objects:
            keys = tuple(row)
            if self._asked is None or self._asked in row:
                self.name = find_column(keys, self._candidates, self._asked, self._option)
            if self.name is not None:
                return
            self._seen.update(dict.fromkeys(keys))
            self._objects += bool(keys)
            if self._objects == _OBJECTS_LOOKED_AT:
                self._refuse()

    def finish(self) -> None:
        """To be called when every row was seen.

        Raises:
            ColumnError: rows with columns were seen, but never this one.
        """
        if self.name is None and self._seen:
            self._refuse()

    def _refuse(self) -> None:
        if not self._required and self._asked is None:
            return
        raise missing_column_error(tuple(self._seen), self._candidates, self._asked, self._option)


def text_choice(asked: str | None) -> ColumnChoice:
    """The column of overviews, which has to be there."""
    return ColumnChoice(TEXT_COLUMNS, asked, "text_column", required=True)


def title_choice(asked: str | None) -> ColumnChoice:
    """The column of titles, which may be missing unless it was asked for."""
    return ColumnChoice(TITLE_COLUMNS, asked, "title_column", required=False)
