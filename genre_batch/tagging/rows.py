"""A chunk of a catalog -> the columns to add to it."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, TableChunk
from genre_batch.catalog.columns import column_exists_error, require_column
from genre_batch.model.decision import apply_thresholds
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import uses_title
from genre_batch.tagging.column_choice import text_choice, title_choice
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.predict import Predictor
from genre_batch.tagging.summary import Tally

__all__ = ["GENRES_COLUMN", "PROBABILITY_PREFIX", "RowTagger"]

GENRES_COLUMN = "predicted_genres"
PROBABILITY_PREFIX = "probability_"


class RowTagger:
    """Predicts chunk after chunk of what becomes one output, and keeps the tally."""

    def __init__(
        self, job: TagJob, tagger: GenreTagger, predictor: Predictor, tally: Tally
    ) -> None:
        """Raises UsageError where the model has no such operating point."""
        self._job = job
        self._tagger = tagger
        self._predictor = predictor
        self._tally = tally
        self._thresholds = job.decision.thresholds(tagger.metadata)
        self._names = [GENRES_COLUMN]
        if job.probabilities:
            self._names += [PROBABILITY_PREFIX + label for label in tagger.labels]
        self._text = text_choice(job.text_column)
        reads_title = uses_title(tagger.metadata.text_template)
        self._title = title_choice(job.title_column) if reads_title else None

    @property
    def text_column(self) -> str | None:
        """The column of overviews, if it is known by now."""
        return self._text.name

    @property
    def title_column(self) -> str | None:
        """The column of titles, if there is one and the model reads it."""
        return self._title.name if self._title else None

    @property
    def genres_off(self) -> tuple[str, ...]:
        """The genres that no probability is high enough for."""
        off = np.isinf(self._thresholds).tolist()
        return tuple(itertools.compress(self._tagger.labels, off))

    def columns(self, chunk: Chunk) -> pa.Table:
        """The columns to add to a chunk, in its rows' order.

        Raises:
            ColumnError: a column that is needed is not there, or one of ours already is.
        """
        self._refuse_taken(chunk)
        text = self._text.look(chunk)
        title = self._title.look(chunk) if self._title else None
        texts = pa.nulls(len(chunk), pa.string()) if text is None else chunk.strings(text)
        titles = None if title is None else chunk.strings(title)
        wanted = self._wanted(chunk)
        if not wanted.all():
            texts = pc.if_else(pa.array(wanted), texts, pa.scalar(None, pa.string()))
        probabilities = self._predictor.predict(self._tagger.compose(texts, titles))
        decision = self._job.decision
        thresholds = decision.row_thresholds(self._tagger.metadata, probabilities)
        genres = apply_thresholds(probabilities, thresholds, self._tagger.labels, decision.top_k)
        short = chunk.short_rows if isinstance(chunk, TableChunk) else 0
        self._tally.add(genres, probabilities, int((~wanted).sum()), short)
        columns = [genres]
        if self._job.probabilities:
            # NaN, for a row that was not predicted, becomes null.
            by_label = np.ascontiguousarray(probabilities.T)
            columns += [pa.array(column, from_pandas=True) for column in by_label]
        return pa.table(columns, names=self._names)

    def _refuse_taken(self, chunk: Chunk) -> None:
        """The writer would refuse it too, but by then rows have been predicted for nothing."""
        if isinstance(chunk, TableChunk) and not self._job.replace:
            for name in self._names:
                if name in chunk.columns:
                    raise column_exists_error(name)

    def _wanted(self, chunk: Chunk) -> npt.NDArray[np.bool_]:
        column = self._job.only_missing
        if column is None:
            return np.ones(len(chunk), dtype=np.bool_)
        if isinstance(chunk, TableChunk) and chunk.columns:
            require_column(chunk.columns, (), column, "only_missing")
        return chunk.blank(column)

    def finish(self) -> None:
        """To be called behind the last chunk.

        Raises:
            ColumnError: a column that was looked for never came.
        """
        self._text.finish()
        if self._title is not None:
            self._title.finish()
