"""The summary of a run, and the counts it is built from."""

from __future__ import annotations

import itertools
import os
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.reading.unreadable import PaddedRows
from genre_batch.catalog.rejects import Reject, RejectsFile
from genre_batch.errors import GenreBatchWarning
from genre_batch.model.tagger import GenreTagger
from genre_batch.tagging.job import TagJob

__all__ = ["GenreCount", "TagSummary", "Tally"]

_FEW = 0.01
"""Share of hardly read texts that is not worth a warning: quotes, and single foreign rows."""


@dataclass(frozen=True)
class GenreCount:
    """How often one genre was predicted.

    Attributes:
        genre: the genre's name.
        rows: the number of rows that it was predicted for.
        share: the fraction of rows with text that it was predicted for, 0..1.
        mean_confidence: the mean probability over the rows it was predicted for, 0..1; None if
            there are none.
    """

    genre: str
    rows: int
    share: float
    mean_confidence: float | None


@dataclass(frozen=True)
class TagSummary:
    """Genre counts and totals of a run.

    Attributes:
        rows: rows written.
        rows_predicted: rows with text, whose genres were predicted.
        rows_without_text: rows without text, whose genres are null.
        rows_without_genre: rows with text but without any predicted genre.
        rows_skipped: rows not predicted because of `only_missing`.
        rows_padded: CSV rows with too few fields, padded with nulls.
        first_padded: the place and the text of the first of them; None if there are none.
        rows_rejected: rows that could not be read.
        values_lost: NaN and infinities of the input that became null, because JSON has neither.
        rejects: the files that contain them.
        first_reject: the place of the first of them and the reason; None if there are none.
        reject_advice: the option that may make such rows readable, in backticks; None if there is
            none.
        texts_predicted: distinct texts that ran through the model.
        texts_from_cache: texts whose probabilities were known: duplicates, or from an interrupted
            run or the cache; counted once per chunk of rows.
        genres: every genre of the model, most frequent first.
        genres_off: the genres that the operating point switches off.
        calibrated: whether the probabilities, and so `mean_confidence`, are calibrated.
        text_column, title_column: the columns read, in the first output's inputs; None if absent.
        model, model_sha256: the model file and its hash.
        output: the output's path; None for stdout.
        seconds: from opening the input to the finished output, without reading the model file.
        rows_per_second: `rows` over `seconds`.
    """

    rows: int
    rows_predicted: int
    rows_without_text: int
    rows_without_genre: int
    rows_skipped: int
    rows_padded: int
    first_padded: str | None
    rows_rejected: int
    values_lost: int
    rejects: tuple[str, ...]
    first_reject: str | None
    reject_advice: str | None
    texts_predicted: int
    texts_from_cache: int
    genres: tuple[GenreCount, ...]
    genres_off: tuple[str, ...]
    calibrated: bool
    text_column: str | None
    title_column: str | None
    model: str
    model_sha256: str
    output: str | None
    seconds: float
    rows_per_second: float

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as `--summary-json` writes it."""
        return asdict(self)


class Tally:
    """Count rows, genres, texts and rejects during a run, and build its summary.

    Attributes:
        texts_predicted, texts_from_cache, values_lost: as in `TagSummary`.
        texts_checked, texts_foreign: how many texts' script was checked, and how many are in one
            that the model hardly reads.
        padded: the rows with too few fields.
    """

    def __init__(self, job: TagJob, tagger: GenreTagger) -> None:
        """Start with zero rows.

        Args:
            job: the run's options.
            tagger: the run's model.

        Raises:
            UsageError: the model does not have the job's operating point, or no calibration.
        """
        self.texts_predicted = 0
        self.texts_from_cache = 0
        self.values_lost = 0
        self.texts_checked = 0
        self.texts_foreign = 0
        self._job = job
        self._tagger = tagger
        off = np.isinf(job.decision.thresholds(tagger.metadata)).tolist()
        self._genres_off = tuple(itertools.compress(tagger.labels, off))
        self._rows_by_genre = np.zeros(len(tagger.labels), dtype=np.int64)
        self._confidence = np.zeros(len(tagger.labels), dtype=np.float64)
        self._rows = 0
        self._predicted = 0
        self._without_genre = 0
        self._skipped = 0
        self.padded = PaddedRows()
        self._rejected = 0
        self._first_reject: Reject | None = None
        self._rejects_files: list[str] = []
        self._columns: tuple[str | None, str | None] | None = None

    def add_chunk(
        self,
        genres: pa.ListArray,
        probabilities: npt.NDArray[np.float32],
        *,
        skipped: int,
    ) -> None:
        """Add the rows of a chunk.

        Args:
            genres: (rows,) lists of predicted genres; null where nothing was predicted.
            probabilities: (rows, genres) float32; NaN where nothing was predicted.
            skipped: how many rows were skipped because of `only_missing`.
        """
        labels = self._tagger.labels
        self._rows += len(genres)
        self._skipped += skipped
        self._predicted += len(genres) - genres.null_count
        self._without_genre += int(pc.sum(pc.equal(pc.list_value_length(genres), 0)).as_py() or 0)
        indices = pc.index_in(pc.list_flatten(genres), pa.array(labels, pa.string()))
        columns = indices.to_numpy(zero_copy_only=False)
        rows = pc.list_parent_indices(genres).to_numpy(zero_copy_only=False)
        self._rows_by_genre += np.bincount(columns, minlength=len(labels))
        self._confidence += np.bincount(
            columns, weights=probabilities[rows, columns], minlength=len(labels)
        )

    def add_foreign(self, checked: int, foreign: int) -> None:
        """Count the texts of a chunk, and those in a script that the model hardly reads."""
        self.texts_checked += checked
        self.texts_foreign += foreign

    def warn_of_foreign_texts(self) -> None:
        """Warn if more than a few of the texts are in a script that the model hardly reads."""
        if self.texts_foreign > _FEW * self.texts_checked:
            warnings.warn(
                f"{self.texts_foreign:,} of {self.texts_checked:,} texts are in a script that the "
                f"model hardly reads: most of their words are unknown to it or cut into single "
                f"letters; use a model trained on such texts (`model`)",
                GenreBatchWarning,
                stacklevel=2,
            )

    def add_rejects(self, rejects: RejectsFile) -> None:
        """Add the unreadable rows of an output's inputs; the file is committed."""
        self._rejected += rejects.count
        if self._first_reject is None and rejects.first is not None:
            self._first_reject = rejects.first
        if rejects.count and rejects.path is not None:
            self._rejects_files.append(rejects.path)

    def add_columns(self, text: str | None, title: str | None) -> None:
        """Note the columns that were read for an output; the first output's are reported."""
        if self._columns is None:
            self._columns = text, title

    def summary(self, seconds: float) -> TagSummary:
        """Build the summary.

        Args:
            seconds: how long the run took.
        """
        text_column, title_column = self._columns or (None, None)
        output = self._job.output
        first = self._first_reject
        return TagSummary(
            rows=self._rows,
            rows_predicted=self._predicted,
            rows_without_text=self._rows - self._predicted - self._skipped,
            rows_without_genre=self._without_genre,
            rows_skipped=self._skipped,
            rows_padded=self.padded.count,
            first_padded=self.padded.first or None,
            rows_rejected=self._rejected,
            values_lost=self.values_lost,
            rejects=tuple(self._rejects_files),
            first_reject=None if first is None else str(first),
            reject_advice=None if first is None else first.advice,
            texts_predicted=self.texts_predicted,
            texts_from_cache=self.texts_from_cache,
            genres=self._genre_counts(),
            genres_off=self._genres_off,
            calibrated=self._job.decision.calibrated,
            text_column=text_column,
            title_column=title_column,
            model=str(self._tagger.path),
            model_sha256=self._tagger.sha256,
            output=None if output is None else os.fspath(output),
            seconds=seconds,
            rows_per_second=self._rows / seconds if seconds else 0.0,
        )

    def _genre_counts(self) -> tuple[GenreCount, ...]:
        """Return every genre's count, most frequent first, ties in label order."""
        counts = []
        for index in np.argsort(-self._rows_by_genre, kind="stable").tolist():
            rows = int(self._rows_by_genre[index])
            counts.append(
                GenreCount(
                    genre=self._tagger.labels[index],
                    rows=rows,
                    share=rows / self._predicted if self._predicted else 0.0,
                    mean_confidence=float(self._confidence[index] / rows) if rows else None,
                )
            )
        return tuple(counts)
