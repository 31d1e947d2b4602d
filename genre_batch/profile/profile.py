"""The profile of a catalog: sums over its rows, gathered chunk by chunk and added over parts."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk, JsonLinesChunk, TableChunk
from genre_batch.catalog.columns import GENRE_COLUMNS, matching_columns
from genre_batch.catalog.genre_values import read_value
from genre_batch.catalog.genres import GenreReader, genre_values, text_counts
from genre_batch.catalog.texts import holds_text
from genre_batch.names import clean_name
from genre_batch.profile.years import NO_YEAR, year_column, years_of

__all__ = [
    "CONFIDENCE_BINS",
    "CatalogProfile",
    "ProfileCollector",
    "predicted_places",
    "sum_of",
]

CONFIDENCE_BINS = 20
"""Bins of probabilities, of equal width from 0 to 1."""
_MOST_TEXTS = 50_000
"""Distinct genre cells that are kept; a column with more is not one of genres."""

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
    _years: dict[int, Counts] = field(default_factory=dict)
    _texts: Counter[str] = field(default_factory=Counter)
    _names: Counter[str] = field(default_factory=Counter)
    _year_column: str | None = None
    _genre_column: str | None = None
    _too_many: bool = False

    def __post_init__(self) -> None:
        count = len(self.genres)
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
            self._add_labels(chunk)

    def _add_years(self, chunk: Chunk, flags: npt.NDArray[np.bool_]) -> None:
        self._year_column = self._year_column or year_column(chunk.columns)
        if self._year_column is None or not len(chunk):
            return
        years, places = np.unique(years_of(chunk, self._year_column), return_inverse=True)
        sums = np.zeros((len(years), 1 + len(self.genres)), dtype=np.int64)
        np.add.at(sums, places, np.column_stack([np.ones(len(flags), dtype=np.int64), flags]))
        for year, row in zip(years.tolist(), sums, strict=True):
            if year != NO_YEAR:
                self._years[year] = self._years.get(year, 0) + row

    def _add_labels(self, chunk: Chunk) -> None:
        if self._genre_column is None:
            columns = chunk.columns
            found = matching_columns(columns, GENRE_COLUMNS)
            self._genre_column = found[0] if found else None
            if self.genre_column in columns:
                self._genre_column = self.genre_column
        name = self._genre_column
        if name is None or (isinstance(chunk, TableChunk) and name not in chunk.columns):
            return
        values = genre_values(chunk, name)
        if isinstance(values, pa.ChunkedArray) and pa.types.is_list(values.type):
            if holds_text(values.type.value_type):
                counts = pc.list_flatten(values.combine_chunks()).drop_null().value_counts()
                pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
                self._names.update({str(label): rows for label, rows in pairs})
            return
        self._texts.update(text_counts(values))
        if isinstance(chunk, JsonLinesChunk):
            for value in values:
                names = read_value(value) if isinstance(value, list) else None
                self._names.update(names if isinstance(names, list) else ())
        if len(self._texts) > _MOST_TEXTS:
            self._too_many = True
            self._texts.clear()

    def merge(self, other: ProfileCollector) -> None:
        """Add the sums of other rows of the same catalog, of the same model."""
        self._rows += other._rows
        self._with_text += other._with_text
        self._without_genre += other._without_genre
        self._confidence += other._confidence
        self._pairs += other._pairs
        for year, row in other._years.items():
            self._years[year] = self._years.get(year, 0) + row
        self._texts.update(other._texts)
        self._names.update(other._names)
        self._year_column = self._year_column or other._year_column
        self._genre_column = self._genre_column or other._genre_column
        self._too_many = self._too_many or other._too_many or len(self._texts) > _MOST_TEXTS

    def as_dict(self) -> dict[str, Any]:
        """Return the sums as JSON values, to be stored with a part."""
        return {
            "genres": list(self.genres),
            "rows": self._rows,
            "rows_with_text": self._with_text,
            "rows_without_genre": self._without_genre,
            "confidence": self._confidence.tolist(),
            "pairs": self._pairs.tolist(),
            "years": {str(year): row.tolist() for year, row in self._years.items()},
            "texts": dict(self._texts),
            "names": dict(self._names),
            "year_column": self._year_column,
            "genre_column": self._genre_column,
            "too_many": self._too_many,
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
            int(year): np.array(row, dtype=np.int64) for year, row in values["years"].items()
        }
        collector._texts = Counter(values["texts"])
        collector._names = Counter(values["names"])
        collector._year_column = values["year_column"]
        collector._genre_column = values["genre_column"]
        collector._too_many = values["too_many"]
        return collector

    def profile(self, read: Callable[[str], Sequence[str]] | None = None) -> CatalogProfile:
        """Return the profile of all rows that were added.

        Args:
            read: returns the genres that a name of the catalog stands for; None: itself.
        """
        has_labels = self._genre_column is not None and not self._too_many
        return CatalogProfile(
            genres=self.genres,
            rows=self._rows,
            rows_with_text=self._with_text,
            rows_without_genre=self._without_genre,
            predicted=self._pairs.diagonal().copy(),
            confidence=self._confidence.copy(),
            pairs=self._pairs.copy(),
            labeled=self._labeled(read) if has_labels else None,
            years={
                year: (int(row[0]), row[1:].copy()) for year, row in sorted(self._years.items())
            },
            year_column=self._year_column if self._years else None,
            genre_column=self._genre_column if has_labels else None,
        )

    def _labeled(self, read: Callable[[str], Sequence[str]] | None) -> dict[str, int]:
        counts: Counter[str] = Counter()

        def add(names: Sequence[str], rows: int) -> None:
            cleaned = map(clean_name, names)
            genres = cleaned if read is None else itertools.chain.from_iterable(map(read, cleaned))
            counts.update(dict.fromkeys(genres, rows))

        # In an order of their own: how chunks and parts divide the rows must not matter.
        texts = dict(sorted(self._texts.items(), key=lambda item: (-item[1], item[0])))
        reader = GenreReader.of(texts)
        for text, rows in texts.items():
            names = reader.read(text)
            add(names if isinstance(names, list) else (), rows)
        for name, rows in self._names.items():
            add((name,), rows)
        return _ranked(counts)


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
