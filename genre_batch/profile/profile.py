"""The profile of a catalog: sums over its rows, gathered chunk by chunk and added over parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk
from genre_batch.profile.own_genres import OwnGenres
from genre_batch.profile.years import NO_YEAR, year_column, year_columns, years_of

__all__ = [
    "CONFIDENCE_BINS",
    "CatalogProfile",
    "ProfileCollector",
    "predicted_places",
    "sum_of",
]

CONFIDENCE_BINS = 20
"""Bins of probabilities, of equal width from 0 to 1."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CatalogProfile:
    """Counts of a catalog; G is the number of the model's genres.

    Attributes:
        genres: (G,) the model's genres.
        rows: all rows.
        rows_with_text: rows that were predicted.
        rows_without_genre: rows with text for which no genre was predicted.
        predicted: (G,) int64 rows that each genre was predicted for.
        confidence: (G, CONFIDENCE_BINS) int64 of these rows, by the genre's probability.
        pairs: (G, G) int64 rows for which both genres were predicted; `predicted` on the diagonal.
        labeled: genre -> rows, as the catalog has them, most frequent first; None without a genre
            column.
        years: year -> (rows, (G,) int64 rows that each genre was predicted for).
        year_column, genre_column: the columns that these were read from; None: none was found.
    """

    genres: tuple[str, ...]
    rows: int
    rows_with_text: int
    rows_without_genre: int
    predicted: Counts
    confidence: Counts
    pairs: Counts
    labeled: dict[str, int] | None
    years: dict[int, tuple[int, Counts]]
    year_column: str | None
    genre_column: str | None

    def named(self, names: Sequence[str], left_out: Sequence[str] = ()) -> CatalogProfile:
        """Return the profile with other names of the genres.

        Args:
            names: (G,) the new names.
            left_out: genres that the result does not have.
        """
        kept = [index for index, genre in enumerate(self.genres) if genre not in left_out]
        name_of = dict(zip(self.genres, names, strict=True))
        labeled: Counter[str] = Counter()
        for genre, rows in (self.labeled or {}).items():
            labeled[name_of.get(genre, genre)] += rows
        return replace(
            self,
            genres=tuple(names[index] for index in kept),
            predicted=self.predicted[kept],
            confidence=self.confidence[kept],
            pairs=self.pairs[np.ix_(kept, kept)],
            labeled=None if self.labeled is None else _ranked(labeled),
            years={year: (rows, counts[kept]) for year, (rows, counts) in self.years.items()},
        )


@dataclass(eq=False)
class ProfileCollector:
    """Adds up a profile, in memory that does not grow with the number of rows.

    The sums do not depend on how the rows were divided into chunks or parts.

    Attributes:
        genres: (G,) the model's genres.
        reads_labels: whether the catalog's own genres are counted.
        genre_column: the column that has them, if the catalog has it; else it is found by its usual
            names.
    """

    genres: tuple[str, ...]
    reads_labels: bool = True
    genre_column: str | None = None
    _rows: int = 0
    _with_text: int = 0
    _without_genre: int = 0
    _years: dict[str, dict[int, Counts]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.genres)
        self._own = OwnGenres(self.genre_column)
        self._labels = pa.array(self.genres, pa.string())
        self._confidence = np.zeros((count, CONFIDENCE_BINS), dtype=np.int64)
        self._pairs = np.zeros((count, count), dtype=np.int64)

    def add(
        self, chunk: Chunk, predicted: pa.ListArray, probabilities: npt.NDArray[np.floating[Any]]
    ) -> None:
        """Add the rows of a chunk.

        Args:
            chunk: the rows.
            predicted: (rows,) lists of predicted genres; null where nothing was predicted.
            probabilities: (rows, G) 0..1; NaN where nothing was predicted.
        """
        count = len(self.genres)
        flags = np.zeros((len(predicted), count), dtype=np.bool_)
        rows, places = predicted_places(predicted, self._labels)
        flags[rows, places] = True
        self._rows += len(predicted)
        self._with_text += len(predicted) - predicted.null_count
        self._without_genre += int((pc.list_value_length(predicted).to_numpy(False) == 0).sum())
        whole = flags.astype(np.float32)  # exact up to 16 million rows of one chunk, and fast
        self._pairs += (whole.T @ whole).astype(np.int64)
        bins = np.minimum(probabilities[rows, places] * CONFIDENCE_BINS, CONFIDENCE_BINS - 1)
        cells = places * CONFIDENCE_BINS + bins.astype(np.int64)
        self._confidence += np.bincount(cells, minlength=count * CONFIDENCE_BINS).reshape(
            count, CONFIDENCE_BINS
        )
        self._add_years(chunk, flags)
        if self.reads_labels:
            self._own.add(chunk)

    def _add_years(self, chunk: Chunk, flags: npt.NDArray[np.bool_]) -> None:
        """Count the years in every column that may have them: a later chunk may decide which."""
        counted = np.column_stack([np.ones(len(flags), dtype=np.int64), flags])
        for name in year_columns(chunk.columns):
            found = self._years.setdefault(name, {})
            years, places = np.unique(years_of(chunk, name), return_inverse=True)
            sums = np.zeros((len(years), 1 + len(self.genres)), dtype=np.int64)
            np.add.at(sums, places, counted)
            for year, row in zip(years.tolist(), sums, strict=True):
                if year != NO_YEAR:
                    found[year] = found.get(year, 0) + row

    def merge(self, other: ProfileCollector) -> None:
        """Add the sums of other rows of the same catalog, of the same model."""
        self._rows += other._rows
        self._with_text += other._with_text
        self._without_genre += other._without_genre
        self._confidence += other._confidence
        self._pairs += other._pairs
        for name, years in other._years.items():
            found = self._years.setdefault(name, {})
            for year, row in years.items():
                found[year] = found.get(year, 0) + row
        self._own.merge(other._own)

    def as_dict(self) -> dict[str, Any]:
        """Return the sums as JSON values, to be stored with a part."""
        return {
            "genres": list(self.genres),
            "rows": self._rows,
            "rows_with_text": self._with_text,
            "rows_without_genre": self._without_genre,
            "confidence": self._confidence.tolist(),
            "pairs": self._pairs.tolist(),
            "years": {
                name: {str(year): row.tolist() for year, row in years.items()}
                for name, years in self._years.items()
            },
            "own_genres": self._own.as_dict(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Restore the collector from the values of `as_dict`.

        Raises:
            KeyError, TypeError, ValueError: the values are those of something else.
        """
        collector = cls(tuple(values["genres"]))
        collector._rows = values["rows"]
        collector._with_text = values["rows_with_text"]
        collector._without_genre = values["rows_without_genre"]
        collector._confidence += np.array(values["confidence"], dtype=np.int64)
        collector._pairs += np.array(values["pairs"], dtype=np.int64)
        collector._years = {
            name: {int(year): np.array(row, dtype=np.int64) for year, row in years.items()}
            for name, years in values["years"].items()
        }
        collector._own = OwnGenres.from_dict(values["own_genres"])
        return collector

    def profile(self, read: Callable[[str], Sequence[str]] | None = None) -> CatalogProfile:
        """Return the profile of all rows that were added.

        Args:
            read: returns the genres that a name of the catalog stands for; None: itself.
        """
        labeled = self._own.counts(read)
        column = year_column(tuple(self._years))
        years = {} if column is None else self._years[column]
        return CatalogProfile(
            genres=self.genres,
            rows=self._rows,
            rows_with_text=self._with_text,
            rows_without_genre=self._without_genre,
            predicted=self._pairs.diagonal().copy(),
            confidence=self._confidence.copy(),
            pairs=self._pairs.copy(),
            labeled=None if labeled is None else _ranked(labeled),
            years={year: (int(row[0]), row[1:].copy()) for year, row in sorted(years.items())},
            year_column=column if years else None,
            genre_column=self._own.column,
        )


def predicted_places(
    predicted: pa.ListArray, labels: pa.StringArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return the row and the index in `labels` of every predicted genre, in order.

    Args:
        predicted: (rows,) lists of genres of `labels`; null where nothing was predicted.
        labels: (G,) the model's genres.
    """
    indices = pc.index_in(pc.list_flatten(predicted), labels)
    rows = pc.list_parent_indices(predicted).to_numpy(zero_copy_only=False)
    return rows, indices.to_numpy(zero_copy_only=False)


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts, the largest first, ties by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sum_of(collectors: Sequence[ProfileCollector]) -> ProfileCollector | None:
    """Return the sum of the profiles of several parts; None without a part."""
    if not collectors:
        return None
    total = ProfileCollector(collectors[0].genres)
    for collector in collectors:
        total.merge(collector)
    return total
