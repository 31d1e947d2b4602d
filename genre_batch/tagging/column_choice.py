"""Which columns of a catalog the model reads: chosen from the data, alike for every format."""

from __future__ import annotations

from collections.abc import Sequence

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.columns import (
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    find_column,
    missing_column_error,
    no_text_error,
)
from genre_batch.catalog.formats import Location
from genre_batch.catalog.inner_columns import advice_for_object, advice_for_table
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import ignore_reject
from genre_batch.catalog.texts import holds_text
from genre_batch.errors import ColumnError
from genre_batch.model.metadata import ModelMetadata
from genre_batch.model.text import uses_title
from genre_batch.tagging.job import TagJob

__all__ = [
    "ColumnChoice",
    "column_choices",
    "first_columns",
    "only_missing_choice",
    "text_choice",
    "title_choice",
]


class ColumnChoice:
    """A column to find: in the header of a table, or in the JSON objects as they arrive.

    A table's columns are all known at once. The keys of JSON objects are not: the first object
    with a candidate decides, and a better candidate in a later object is an error, because the
    same rows, written as a table, would be read by that one. Objects before the first candidate
    have no text in either case.

    Attributes:
        name: the column as the catalog spells it; None until it is found.
    """

    def __init__(
        self,
        candidates: Sequence[str],
        requested: str | None,
        parameter: str,
        *,
        required: bool,
        reads_text: bool = True,
        trained_column: str | None = None,
    ) -> None:
        """Create a choice that is not made yet.

        Args:
            candidates: usual names of such columns, the preferred ones first.
            requested: the name that the user gave; None: one of the candidates.
            parameter: the name of the parameter that takes it, for messages.
            required: whether a catalog without any candidate is an error; a requested column is
                always required.
            reads_text: whether a required column of a type that holds no text is an error.
            trained_column: the column that the model was trained on, preferred to the candidates.
        """
        self.name: str | None = None
        self._candidates = candidates
        self._requested = requested
        self._parameter = parameter
        self._required = required or requested is not None
        self._reads_text = reads_text
        self._trained_column = trained_column
        self._keys: dict[str, None] = {}
        self._table_columns: tuple[str, ...] | None = None
        self._advice = ""

    @property
    def is_found(self) -> bool:
        """Whether the column is found, or is not required."""
        return self.name is not None or not self._required

    def begin_with(self, name: str | None) -> None:
        """Take over the column that the first rows of the catalog decided, before any other row.

        Args:
            name: the column; None: the first rows did not decide.
        """
        if name is not None:
            self.name = name
            self._keys = {name: None}

    def find(self, chunk: Chunk) -> str | None:
        """Return the column's name, or None while no row has it.

        Raises:
            ColumnError: the column is missing, exists in two spellings or holds no text, or a
                better candidate appears after the first rows were read.
        """
        if isinstance(chunk, JsonLinesChunk):
            self._find_in_objects(chunk)
        elif chunk.columns != self._table_columns:  # the first table, or that of another catalog
            self._find_in_table(chunk)
        return self.name

    def _find_in_table(self, chunk: TableChunk) -> None:
        self._table_columns = chunk.columns
        if not chunk.columns:
            return  # JSON Lines without a single object
        self._keys.update(dict.fromkeys(chunk.columns))
        self.name = self._find_among(chunk.columns)
        if self.name is None:
            self._advice = advice_for_table(chunk.table.schema, self._wanted)
            self._raise_if_required()
        elif self._reads_text and self._required and self.name not in chunk.texts:
            kind = chunk.table.schema.field(self.name).type
            if not holds_text(kind):
                raise no_text_error(self.name, kind, self._parameter)

    def _find_in_objects(self, chunk: JsonLinesChunk) -> None:
        if set().union(*chunk.objects) <= self._keys.keys():
            return
        for row in chunk.objects:
            if row.keys() <= self._keys.keys():
                continue
            self._advice = self._advice or advice_for_object(row, self._wanted)
            new = [key for key in row if key not in self._keys]
            self._keys.update(dict.fromkeys(new))
            if self._requested is not None:
                self.name = self._requested if self._requested in self._keys else None
            elif any(self._is_candidate(key) for key in new):
                self._choose(self._find_among(tuple(self._keys)))

    @property
    def _wanted(self) -> tuple[str, ...]:
        """The names that the column may have, lower case."""
        if self._requested is None:
            return tuple(self._candidates)
        return (self._requested.lower().rpartition(".")[2],)

    def _is_candidate(self, key: str) -> bool:
        return key == self._trained_column or key.strip().lower() in self._candidates

    def _choose(self, name: str | None) -> None:
        if self.name is not None and name != self.name:
            raise ColumnError(
                f"rows before had {self.name!r}, and now a row has {name!r}: "
                f"choose one with `{self._parameter}`"
            )
        self.name = name

    def _find_among(self, columns: tuple[str, ...]) -> str | None:
        return find_column(
            columns, self._candidates, self._requested, self._parameter, self._trained_column
        )

    def finish(self) -> None:
        """Check, after the last chunk, that a required column was found.

        Raises:
            ColumnError: there were rows with columns, but none with this one.
        """
        if self.name is None and self._keys:
            self._raise_if_required()

    def _raise_if_required(self) -> None:
        if self._required:
            error = missing_column_error(
                tuple(self._keys),
                self._candidates,
                self._requested,
                self._parameter,
                self._trained_column,
            )
            raise ColumnError(f"{error}{self._advice}")


def text_choice(requested: str | None, trained_column: str | None = None) -> ColumnChoice:
    """Create the choice of the overview column, which is required."""
    return ColumnChoice(
        TEXT_COLUMNS, requested, "text_column", required=True, trained_column=trained_column
    )


def title_choice(requested: str | None, trained_column: str | None = None) -> ColumnChoice:
    """Create the choice of the title column, which is optional unless requested by name."""
    return ColumnChoice(
        TITLE_COLUMNS, requested, "title_column", required=False, trained_column=trained_column
    )


def only_missing_choice(requested: str | None) -> ColumnChoice | None:
    """Create the choice of the column whose empty cells select the rows; None: all rows."""
    if requested is None:
        return None
    return ColumnChoice((), requested, "only_missing", required=True, reads_text=False)


def column_choices(
    job: TagJob, metadata: ModelMetadata
) -> tuple[ColumnChoice, ColumnChoice | None, ColumnChoice | None]:
    """Create the choices of a job: text, title if the model reads it, and what selects rows."""
    trained_columns = metadata.columns
    title = title_choice(job.title_column, trained_columns.get("title"))
    return (
        text_choice(job.text_column, trained_columns.get("text")),
        title if uses_title(metadata.text_template) else None,
        only_missing_choice(job.only_missing),
    )


def first_columns(
    job: TagJob, metadata: ModelMetadata, location: Location
) -> tuple[str | None, ...]:
    """Return the columns that the first rows of a catalog of JSON Lines decide.

    Args:
        job: the run's options.
        metadata: of the model.
        location: the catalog; it is read until all required columns are found.

    Returns:
        The text column, the title column and the one that selects rows; None: not decided.

    Raises:
        CatalogError: the catalog cannot be read, or a required column is missing or ambiguous.
    """
    choices = column_choices(job, metadata)
    options = ReadOptions(reading=job.reading)
    with CatalogReader([location], options, ignore_reject) as reader:
        for chunk in reader.chunks():
            for choice in choices:
                if choice is not None:
                    choice.find(chunk)
            if all(choice is None or choice.is_found for choice in choices):
                break
        else:
            for choice in choices:
                if choice is not None:
                    choice.finish()
    return tuple(None if choice is None else choice.name for choice in choices)
