"""Runs a job on this machine: chunks in, probabilities, genres, chunks out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch import __version__
from genre_batch.catalog.chunk import Chunk, TableChunk
from genre_batch.catalog.columns import need_column
from genre_batch.catalog.encoders import EncoderOptions
from genre_batch.catalog.formats import Format, input_location, output_location
from genre_batch.catalog.output import refuse_existing
from genre_batch.catalog.read import CatalogReader
from genre_batch.catalog.write import open_writer
from genre_batch.model.decoding import decide
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import uses_title
from genre_batch.tagging.columns import text_choice, title_choice
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.summary import TagSummary, Tally

__all__ = ["GENRES_COLUMN", "PROBABILITY_PREFIX", "Progress", "run"]

GENRES_COLUMN = "predicted_genres"
PROBABILITY_PREFIX = "probability_"

Progress = Callable[[int, int | None], None]
"""Is told (rows done, rows in all: known, estimated from the bytes read, or None)."""


def run(job: TagJob, progress: Progress = lambda done, total: None) -> TagSummary:
    """Tags a catalog.

    Args:
        job: what and how.
        progress: is told after each chunk.

    Raises:
        UsageError, CatalogError, ModelError: nothing is left under the output's name.
    """
    source = input_location(job.source, job.input_format)
    target = output_location(job.output, job.output_format)
    with contextlib.ExitStack() as opened:
        reader = opened.enter_context(
            CatalogReader(
                source,
                as_table=target.format is not Format.JSONL,
                infer_types=job.infer_types and not target.format.is_text,
            )
        )
        refuse_existing(target, job.force)
        tagger = GenreTagger.load(job.model, threads=job.threads)
        writer = opened.enter_context(
            open_writer(target, _encoder_options(job, tagger), force=job.force)
        )
        rows = _Rows(job, tagger)
        started = time.perf_counter()
        for chunk in _limited(reader.chunks(), job.limit):
            writer.write(chunk, rows.predict(chunk))
            progress(rows.tally.rows, _total(reader, rows.tally.rows, job.limit))
        rows.finish()
    return rows.summary(time.perf_counter() - started)


def _encoder_options(job: TagJob, tagger: GenreTagger) -> EncoderOptions:
    return EncoderOptions(
        genre_separator=job.separator,
        replace=job.replace,
        metadata={
            "genre_batch.model_sha256": tagger.sha256,
            "genre_batch.version": __version__,
        },
    )


def _limited(chunks: Iterator[Chunk], limit: int | None) -> Iterator[Chunk]:
    """The chunks up to `limit` rows; an empty chunk, which tells the columns, always passes."""
    for chunk in chunks:
        if limit is not None:
            chunk = chunk.head(limit)
            limit -= len(chunk)
        yield chunk
        if limit == 0:
            return


def _total(reader: CatalogReader, done: int, limit: int | None) -> int | None:
    total = reader.rows
    if total is None:
        fraction = reader.fraction_read
        total = round(done / fraction) if fraction else None
    return total if limit is None or total is None else min(limit, total)


class _Rows:
    """Predicts chunk after chunk and keeps the tally."""

    def __init__(self, job: TagJob, tagger: GenreTagger) -> None:
        self._job = job
        self._tagger = tagger
        self._thresholds = job.decision.thresholds(tagger.metadata)
        self._text = text_choice(job.text_column)
        reads_title = uses_title(tagger.metadata.text_template)
        self._title = title_choice(job.title_column) if reads_title else None
        self.tally = Tally(tagger.labels)

    def predict(self, chunk: Chunk) -> pa.Table:
        """The columns to add to a chunk."""
        text = self._text.look(chunk)
        title = self._title.look(chunk) if self._title else None
        texts = pa.nulls(len(chunk), pa.string()) if text is None else chunk.strings(text)
        titles = None if title is None else chunk.strings(title)
        wanted = self._wanted(chunk)
        if not wanted.all():
            texts = pa.array(
                np.where(wanted, texts.to_numpy(zero_copy_only=False), None), pa.string()
            )
        probabilities = self._tagger.predict_proba(texts, titles)
        genres = decide(
            probabilities, self._thresholds, self._tagger.labels, self._job.decision.top_k
        )
        self.tally.add(genres, probabilities, int((~wanted).sum()))
        columns: dict[str, pa.Array] = {GENRES_COLUMN: genres}
        if self._job.probabilities:
            for at, label in enumerate(self._tagger.labels):
                column = np.ascontiguousarray(probabilities[:, at])
                # NaN, for a row that was not predicted, becomes null.
                columns[PROBABILITY_PREFIX + label] = pa.array(column, from_pandas=True)
        return pa.table(columns)

    def _wanted(self, chunk: Chunk) -> npt.NDArray[np.bool_]:
        column = self._job.only_missing
        if column is None:
            return np.ones(len(chunk), dtype=np.bool_)
        if isinstance(chunk, TableChunk) and chunk.columns:
            need_column(chunk.columns, (), column, "--only-missing")
        return chunk.blank(column)

    def finish(self) -> None:
        """To be called behind the last chunk: a column that never came is an error."""
        self._text.finish()
        if self._title is not None:
            self._title.finish()

    def summary(self, seconds: float) -> TagSummary:
        """The run's summary."""
        tally = self.tally
        return TagSummary(
            rows=tally.rows,
            rows_predicted=tally.predicted,
            rows_without_text=tally.rows - tally.predicted - tally.skipped,
            rows_without_genre=tally.without_genre,
            rows_skipped=tally.skipped,
            genres=tally.genres(),
            text_column=self._text.name,
            title_column=self._title.name if self._title else None,
            model=str(self._tagger.path),
            model_sha256=self._tagger.sha256,
            output=self._job.output,
            seconds=seconds,
            rows_per_second=tally.rows / seconds if seconds else 0.0,
        )
