"""TagSummary: what a run found, row by row summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["GenreCount", "TagSummary", "Tally"]


@dataclass(frozen=True)
class GenreCount:
    """How often one genre was predicted.

    Attributes:
        genre: its name.
        rows: rows it was predicted for.
        share: those rows over the rows with text, 0..1.
        mean_confidence: the mean probability over those rows, 0..1; None without any.
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
        rows_predicted: rows that went through the model's decision.
        rows_without_text: rows that have no text, and so null.
        rows_without_genre: rows with text for which no genre passed.
        rows_skipped: rows left alone by `--only-missing`.
        rows_padded: CSV rows with too few fields, filled up with nulls.
        rows_rejected: rows that could not be read.
        rejects: the files that hold them.
        first_reject: where the first of them stands and what is wrong with it; None without any.
        texts_predicted: distinct texts that went through the model.
        texts_from_cache: texts whose probabilities were known: duplicates, an interrupted run's, or
            the cache's; counted once per window of about a megabyte.
        genres: every genre of the model, most frequent first.
        genres_off: those that the operating point switches off.
        text_column, title_column: the columns read; None where there was none.
        model, model_sha256: the model file.
        output: where the rows went; None for stdout.
        seconds: from opening the input to the finished output, without loading the model.
        rows_per_second: `rows` over `seconds`.
    """

    rows: int
    rows_predicted: int
    rows_without_text: int
    rows_without_genre: int
    rows_skipped: int
    rows_padded: int
    rows_rejected: int
    rejects: tuple[str, ...]
    first_reject: str | None
    texts_predicted: int
    texts_from_cache: int
    genres: tuple[GenreCount, ...]
    genres_off: tuple[str, ...]
    text_column: str | None
    title_column: str | None
    model: str
    model_sha256: str
    output: str | None
    seconds: float
    rows_per_second: float

    def as_dict(self) -> dict[str, Any]:
        """The summary as `--summary-json` writes it."""
        return asdict(self)


class Tally:
    """Adds up a run's chunks."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._rows = np.zeros(len(labels), dtype=np.int64)
        self._confidence = np.zeros(len(labels), dtype=np.float64)
        self.rows = 0
        self.predicted = 0
        self.without_genre = 0
        self.skipped = 0
        self.short = 0

    def add(
        self,
        genres: pa.ListArray,
        probabilities: npt.NDArray[np.float32],
        skipped: int,
        short: int = 0,
    ) -> None:
        """Adds a chunk.

        Args:
            genres: (rows,) the predicted lists; null where nothing was predicted.
            probabilities: (rows, genres) float32; NaN where nothing was predicted.
            skipped: rows of the chunk that were left alone.
            short: rows of the chunk that had too few fields.
        """
        self.rows += len(genres)
        self.skipped += skipped
        self.short += short
        self.predicted += len(genres) - genres.null_count
        self.without_genre += int(pc.sum(pc.equal(pc.list_value_length(genres), 0)).as_py() or 0)
        codes = pc.index_in(pc.list_flatten(genres), pa.array(self._labels, pa.string()))
        columns = codes.to_numpy(zero_copy_only=False)
        rows = pc.list_parent_indices(genres).to_numpy(zero_copy_only=False)
        self._rows += np.bincount(columns, minlength=len(self._labels))
        self._confidence += np.bincount(
            columns, weights=probabilities[rows, columns], minlength=len(self._labels)
        )

    def genres(self) -> tuple[GenreCount, ...]:
        """Every genre, most frequent first, ties in label order."""
        order = np.argsort(-self._rows, kind="stable")
        return tuple(
            GenreCount(
                genre=self._labels[at],
                rows=int(self._rows[at]),
                share=float(self._rows[at] / self.predicted) if self.predicted else 0.0,
                mean_confidence=(
                    float(self._confidence[at] / self._rows[at]) if self._rows[at] else None
                ),
            )
            for at in order.tolist()
        )
