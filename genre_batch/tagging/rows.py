"""A chunk of a catalog -> the columns to add to it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, TableChunk
from genre_batch.catalog.columns import column_exists_error
from genre_batch.catalog.writing.dropped import without_columns
from genre_batch.errors import ColumnError, GenreBatchWarning, UsageError
from genre_batch.tagging.column_choice import ColumnChoice, column_choices
from genre_batch.tagging.counts import Tally
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.predict import Predictor
from genre_batch.tagging.written_names import WrittenNames

__all__ = ["PROBABILITY_PREFIX", "RowTagger"]

PROBABILITY_PREFIX = "probability_"


class RowTagger:
    """Predict the chunks of one output, and count their rows.

    Attributes:
        names: the added columns.
    """

    def __init__(
        self, job: TagJob, predictor: Predictor, tally: Tally, names: WrittenNames
    ) -> None:
        """Prepare an output.

        Args:
            job: the run's options.
            predictor: returns the probabilities of texts.
            tally: counts the rows.
            names: the names under which genres are written.

        Raises:
            UsageError: the output column has the name of a column of probabilities.
        """
        self._job = job
        self._predictor = predictor
        self._tally = tally
        self._written = names
        self._shown = np.flatnonzero(~job.decision.excluded(predictor.metadata))
        probabilities = [PROBABILITY_PREFIX + name for name in names.names]
        ours = {*probabilities, *(PROBABILITY_PREFIX + label for label in names.labels)}
        shown = [probabilities[column] for column in self._shown] if job.probabilities else []
        if job.output_column in shown:
            raise UsageError(
                f"`output_column` {job.output_column!r} is also a column of probabilities: choose "
                f"another name"
            )
        self.names = [job.output_column, *shown]
        self._dropped = frozenset(ours).difference(shown if job.replace else ours)
        self._others: set[str] = set()
        self._text, self._title, self._only_missing = column_choices(job, predictor.metadata)

    @property
    def _choices(self) -> tuple[ColumnChoice | None, ...]:
        return self._text, self._title, self._only_missing

    def begin_with(self, columns: Sequence[str | None]) -> None:
        """Use the columns that the first rows of the catalog decided.

        Args:
            columns: as `first_columns` returns them; empty: nothing is decided.
        """
        for choice, name in zip(self._choices, columns, strict=False):
            if choice is not None:
                choice.begin_with(name)

    def kept(self, chunk: Chunk) -> Chunk:
        """Return the chunk without probabilities that belong to genres which are replaced.

        A column of probabilities that this model does not write stays; a warning names it once.
        """
        if not self._job.replace:
            return chunk
        ours = self._dropped.union(self.names)
        others = {name for name in chunk.columns if name.startswith(PROBABILITY_PREFIX)} - ours
        if new := sorted(others - self._others):
            self._others |= others
            warnings.warn(
                f"{', '.join(map(repr, new[:3]))}{' and others' if len(new) > 3 else ''} stay as "
                f"they are next to the new genres: they are not columns of this model",
                GenreBatchWarning,
                stacklevel=2,
            )
        return without_columns(chunk, self._dropped) if self._dropped else chunk

    def columns(self, chunk: Chunk, stop: threading.Event) -> pa.Table:
        """Return the columns to add to a chunk, in the order of its rows.

        Args:
            chunk: the next rows of the catalog.
            stop: ends the prediction early once it is set.

        Raises:
            ColumnError: a required column is missing, the chunk already has one of ours and the
                job does not replace it, or one of ours would replace a column that is read.
            StoppedError: `stop` was set.
        """
        if not self._job.replace:
            self._check_names_are_free(chunk)
        text = self._text.find(chunk)
        title = self._title.find(chunk) if self._title else None
        selecting = self._only_missing.find(chunk) if self._only_missing else None
        self._check_not_read(text, title, selecting)
        texts = pa.nulls(len(chunk), pa.string()) if text is None else chunk.strings(text)
        titles = None if title is None else chunk.strings(title)
        selected = self._selected(chunk, selecting)
        if not selected.all():
            texts = pc.if_else(pa.array(selected), texts, pa.scalar(None, pa.string()))
        others = self._tally.add_texts(texts)
        if self._job.only_language is not None and others.any():
            texts = pc.if_else(pa.array(~others), texts, pa.scalar(None, pa.string()))
        probabilities = self._predictor.predict(texts, titles, stop)
        decision, metadata = self._job.decision, self._predictor.metadata
        genres = decision.genres(metadata, probabilities)
        probabilities = decision.shown(metadata, probabilities)
        self._tally.padded.add(chunk)
        self._tally.add_chunk(chunk, genres, probabilities, skipped=int((~selected).sum()))
        columns = [self._written.apply(genres)]
        if self._job.probabilities:
            # NaN, for a row that was not predicted, becomes null.
            by_label = np.ascontiguousarray(probabilities.T[self._shown])
            columns += [pa.array(column, from_pandas=True) for column in by_label]
        return pa.table(columns, names=self.names)

    @property
    def columns_read(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The columns found so far: those with texts, and the one whose empty cells select rows."""
        texts = [choice.name for choice in (self._text, self._title) if choice is not None]
        selecting = None if self._only_missing is None else self._only_missing.name
        found = tuple(name for name in texts if name is not None)
        return found, () if selecting is None else (selecting,)

    def _check_names_are_free(self, chunk: Chunk) -> None:
        """Check that no added column exists, before any row of the chunk is predicted."""
        rows = [chunk.columns] if isinstance(chunk, TableChunk) else chunk.objects
        for columns in rows:
            for name in self.names:
                if name in columns:
                    raise column_exists_error(name)

    def _check_not_read(self, *columns: str | None) -> None:
        """Check that no column that is read would be replaced by the predicted genres."""
        if self._job.output_column in columns:
            raise ColumnError(
                f"`output_column` {self._job.output_column!r} would replace a column that is read: "
                f"choose another name"
            )

    def _selected(self, chunk: Chunk, column: str | None) -> npt.NDArray[np.bool_]:
        """Return (rows,) bool: whether a row is to be predicted."""
        return np.ones(len(chunk), dtype=np.bool_) if column is None else chunk.blank(column)

    def finish(self) -> None:
        """Check, after the last chunk, that the needed columns were found; report them.

        Raises:
            ColumnError: a needed column was in none of the rows.
        """
        for choice in self._choices:
            if choice is not None:
                choice.finish()
        self._tally.set_columns(self._text.name, self._title.name if self._title else None)
