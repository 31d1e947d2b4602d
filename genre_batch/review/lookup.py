"""The rows of a catalog that a review decides on, found while the catalog is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk
from genre_batch.catalog.columns import (
    GENRE_COLUMNS,
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    find_column,
    matching_columns,
    missing_column_error,
)
from genre_batch.catalog.label_columns import find_label_columns
from genre_batch.review.copied import cells, values
from genre_batch.review.decisions import FIELDS, Review
from genre_batch.review.flags import FlagLabels
from genre_batch.review.job import ApplyJob
from genre_batch.review.labels import GenreColumn, Labels

__all__ = ["Lookup", "ReviewedRow"]

_PREFIX = "catalog_"
_GENERIC = {"text": TEXT_COLUMNS, "title": TITLE_COLUMNS, "genres": GENRE_COLUMNS}
"""Names of a review's columns that stand for columns of the catalog with other names."""


@dataclass(frozen=True)
class ReviewedRow:
    """A row of the catalog that the review decides on.

    Attributes:
        values: column -> value, of the columns that matter.
        line: the bytes of its JSON object; None in other formats.
        nulls: the texts that mean null in its file: `values` of other formats than JSON have None
            in place of them, the review's copies do not.
    """

    values: Mapping[str, Any]
    line: bytes | None = None
    nulls: tuple[str, ...] = ()


class Lookup:
    """Collects the reviewed rows of one output, and how its labels are written.

    Attributes:
        start: the number of its first row in the catalog.
        end: the number after that of its last row so far.
        columns: the catalog's columns so far, in order.
        found: row -> the reviewed row.
        labels: the labels; None until their column was found.
        cells: row, counted from `start` -> column -> its new value; for JSON objects, row -> the
            bytes of the new object.
    """

    def __init__(
        self,
        job: ApplyJob,
        review: Review,
        genre_of: Mapping[str, str],
        start: int = 0,
        file: str | None = None,
    ) -> None:
        """Start without a row.

        Args:
            job: the options.
            review: the decisions.
            genre_of: what genre cells hold -> genre, where that is not the same.
            start: the number of the first row.
            file: the file of the rows, where the catalog has several.
        """
        self.start = self.end = start
        self.columns: dict[str, None] = {}
        self.found: dict[int, ReviewedRow] = {}
        self.labels: Labels | None = None
        self.cells: dict[int, Any] = {}
        self._file = file
        self._job = job
        self._genre_of = genre_of
        self._wanted = np.unique(
            np.array([decision.row for decision in review.decisions], dtype=np.int64)
        )
        self._fields = review.columns
        self._copied = [name for name in review.columns if name not in FIELDS]

    def add(self, chunk: Chunk) -> None:
        """Add the next rows.

        Raises:
            ColumnError: the genre column is missing, or exists in two spellings.
        """
        self.columns.update(dict.fromkeys(chunk.columns))
        if self.labels is None:
            self.labels = self._find_labels(required=not isinstance(chunk, JsonLinesChunk))
        if self.labels is not None and len(chunk):
            self.labels.add(chunk)
        first, last = np.searchsorted(self._wanted, (self.end, self.end + len(chunk)))
        wanted = (self._wanted[first:last] - self.end).tolist()
        if wanted:
            for index, row in zip(wanted, self._rows_of(chunk, wanted), strict=True):
                self.found[self.end + index] = row
        self.end += len(chunk)

    def labels_found(self) -> Labels:
        """Return the labels, after the last chunk; they are not finished.

        Raises:
            ColumnError: the genre column is missing.
        """
        self.labels = self.labels or self._find_labels(required=True)
        assert self.labels is not None
        return self.labels

    def place(self, row: int) -> str:
        """Return what messages call a row."""
        if self._file is None:
            return f"row {row} of the catalog"
        return f"row {row} of the catalog, row {row - self.start} of {self._file},"

    def copied_columns(self) -> dict[str, str]:
        """Return the review's columns that copy the catalog's -> the columns that they copy."""
        copied = {name: name for name in self._copied if name in self.columns}
        for name in self._copied:
            # audit puts this before the name of a column that it has itself.
            bare = name.removeprefix(_PREFIX)
            if name not in copied and bare != name and bare in self.columns:
                copied[name] = bare
        for name, candidates in _GENERIC.items():
            matching = matching_columns(tuple(self.columns), candidates)
            if name in self._copied and name not in copied and len(matching) == 1:
                copied[name] = matching[0]
        return copied

    def _find_labels(self, *, required: bool) -> Labels | None:
        job, columns = self._job, tuple(self.columns)
        if not columns and not required:
            return None
        if job.label_columns:
            if not required and not set(columns).intersection(job.label_columns):
                return None
            return FlagLabels(find_label_columns(columns, job.label_columns))
        if job.genre_column is not None and job.genre_column not in columns and not required:
            return None
        name = find_column(columns, GENRE_COLUMNS, job.genre_column, "genre_column")
        if job.genre_column is None and (name is None or self._is_not_copied(name)):
            name = self._last_copied() or name
        if name is None and required:
            raise missing_column_error(columns, GENRE_COLUMNS, job.genre_column, "genre_column")
        if name is None:
            return None
        return GenreColumn(name, job.genre_separator, job.writing.separator, self._genre_of)

    def _is_not_copied(self, name: str) -> bool:
        """Return whether `audit` wrote the review, from genres in another column than this."""
        return "score" in self._fields and name not in self.copied_columns().values()

    def _last_copied(self) -> str | None:
        """Return the last column that the review copies; audit ends its records with the genres."""
        names = (
            name if name in self.columns else name.removeprefix(_PREFIX) for name in self._copied
        )
        copied = [name for name in names if name in self.columns]
        texts = matching_columns(tuple(copied[-1:]), (*TEXT_COLUMNS, *TITLE_COLUMNS))
        return copied[-1] if copied and not texts else None

    def _rows_of(self, chunk: Chunk, wanted: Sequence[int]) -> list[ReviewedRow]:
        if isinstance(chunk, JsonLinesChunk):
            return [ReviewedRow(chunk.objects[index], chunk.lines[index]) for index in wanted]
        labels = () if self.labels is None else self.labels.columns
        names = {*labels, *self.copied_columns().values()}
        read = {
            name: (values if name in labels else cells)(chunk.column(name), wanted)
            for name in chunk.columns
            if name in names
        }
        return [
            ReviewedRow({name: column[place] for name, column in read.items()}, nulls=chunk.nulls)
            for place in range(len(wanted))
        ]
