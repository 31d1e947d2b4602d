"""What is counted while an output is written, and the sum over several outputs."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from genre_batch.catalog.chunk import Chunk
from genre_batch.catalog.reading.unreadable import PaddedRows
from genre_batch.catalog.rejects import RejectsFile
from genre_batch.errors import GenreBatchWarning
from genre_batch.model.language import LanguageTally, warn_of_languages
from genre_batch.profile.profile import ProfileCollector, predicted_places, sum_of

__all__ = ["Tally", "TaskCounts", "total_counts", "warn_of_texts"]

_FEW = 0.01
"""Share of hardly read texts that is not worth a warning: quotes, and single foreign rows."""
_SUMMED = (
    *("rows", "rows_predicted", "rows_without_genre", "rows_skipped", "rows_padded"),
    *("rows_rejected", "values_lost", "texts_predicted", "texts_from_cache"),
    *("texts_checked", "texts_foreign", "rows_of_language_checked"),
)


@dataclass(frozen=True)
class TaskCounts:
    """The counts of one output, or of several.

    Attributes:
        rows, rows_predicted, rows_without_genre, rows_skipped, rows_padded, first_padded: as in
            `TagSummary`.
        rows_rejected, first_reject, reject_advice, rejects, values_lost: as in `TagSummary`.
        texts_predicted, texts_from_cache, text_column, title_column: as in `TagSummary`.
        texts_checked, texts_foreign: how many texts' script was checked, and how many are in one
            that the model hardly reads.
        language, other_languages, first_other_language: as in `TagSummary`.
        rows_of_language_checked: rows whose text's language was checked.
        rows_by_genre: (genres,) rows that each genre was predicted for, in label order.
        confidence: (genres,) sums of the probabilities over those rows.
        profile: the sums of a `ProfileCollector`; None if none was asked for.
        unread: why every row of a stretch was rejected; empty if some were not.
    """

    rows: int = 0
    rows_predicted: int = 0
    rows_without_genre: int = 0
    rows_skipped: int = 0
    rows_padded: int = 0
    first_padded: str | None = None
    rows_rejected: int = 0
    first_reject: str | None = None
    reject_advice: str | None = None
    rejects: tuple[str, ...] = ()
    values_lost: int = 0
    texts_predicted: int = 0
    texts_from_cache: int = 0
    texts_checked: int = 0
    texts_foreign: int = 0
    language: str | None = None
    rows_of_language_checked: int = 0
    other_languages: Mapping[str, int] = field(default_factory=dict)
    first_other_language: str | None = None
    text_column: str | None = None
    title_column: str | None = None
    rows_by_genre: tuple[int, ...] = ()
    confidence: tuple[float, ...] = ()
    profile: Mapping[str, Any] | None = None
    unread: str = ""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TaskCounts:
        """Restore the counts from those in a mark (`cluster.marks.Mark.as_dict`).

        Raises:
            KeyError, TypeError: the values are those of something else.
        """
        fields_of = {"profile": None, "unread": "", **values}
        fields_of = {field.name: fields_of[field.name] for field in fields(cls)}
        for name in ("rejects", "rows_by_genre", "confidence"):
            fields_of[name] = tuple(values[name])
        return cls(**fields_of)


def total_counts(counts: Sequence[TaskCounts]) -> TaskCounts:
    """Return the sum of counts.

    The order matters to the last bits of `confidence` and to what is reported as the first, so
    counts are summed in the order of the plan, whatever the order in which outputs were written.

    Args:
        counts: of each output; they are of one model.
    """
    if not counts:
        return TaskCounts()
    confidence = list(counts[0].confidence)
    for part in counts[1:]:
        confidence = [a + b for a, b in zip(confidence, part.confidence, strict=True)]
    rejected = next((part for part in counts if part.first_reject is not None), counts[0])
    sums: dict[str, Any] = {name: sum(getattr(part, name) for part in counts) for name in _SUMMED}
    return TaskCounts(
        **sums,
        first_padded=next((part.first_padded for part in counts if part.first_padded), None),
        first_reject=rejected.first_reject,
        reject_advice=rejected.reject_advice,
        language=counts[0].language,
        other_languages=dict(sum((Counter(part.other_languages) for part in counts), Counter())),
        first_other_language=next(
            filter(None, (part.first_other_language for part in counts)), None
        ),
        rejects=tuple(path for part in counts for path in part.rejects),
        text_column=counts[0].text_column,
        title_column=counts[0].title_column,
        rows_by_genre=tuple(map(sum, zip(*(part.rows_by_genre for part in counts), strict=True))),
        confidence=tuple(confidence),
        profile=_total_profile([part.profile for part in counts]),
    )


def _total_profile(profiles: Sequence[Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    collectors = [
        ProfileCollector.from_dict(profile) for profile in profiles if profile is not None
    ]
    total = sum_of(collectors) if len(collectors) == len(profiles) else None
    return None if total is None else total.as_dict()


def warn_of_texts(counts: TaskCounts, *, left_out: bool = False) -> None:
    """Warn of texts that the model cannot read: in another language, or else in another script.

    A few of the latter are not worth a warning. No warning of the former is needed where
    `only_language` leaves them out.

    Args:
        counts: of all outputs.
        left_out: whether texts in other languages were left out.
    """
    if counts.other_languages:
        if not left_out:
            warn_of_languages(
                counts.language,
                counts.rows_of_language_checked,
                counts.other_languages,
                counts.first_other_language or "",
                f"add `only_language` {counts.language} to leave them without genres, or use a "
                f"model trained on such texts (`model`)",
            )
    elif counts.texts_foreign > _FEW * counts.texts_checked:
        warnings.warn(
            f"{counts.texts_foreign:,} of {counts.texts_checked:,} texts are in a script that the "
            f"model hardly reads: most "
            f"of their words are unknown to it or cut into single letters; use a model trained on "
            f"such texts (`model`)",
            GenreBatchWarning,
            stacklevel=3,
        )


class Tally:
    """Count the rows, genres and texts of one output while it is written.

    Attributes:
        texts_predicted, texts_from_cache, values_lost: as in `TagSummary`.
        unread: as in `TaskCounts`.
        padded: the rows with too few fields.
        profile: gathers a profile of the rows; None: there is none.
    """

    def __init__(self, labels: Sequence[str], language: str | None = None) -> None:
        """Start with zero rows.

        Args:
            labels: the genres of the model, in the order of its probabilities.
            language: the code of the language that texts should be in; None: it is not looked at.
        """
        self._languages = LanguageTally(language)
        self.texts_predicted = 0
        self.texts_from_cache = 0
        self.values_lost = 0
        self.unread = ""
        self.padded = PaddedRows()
        self.profile: ProfileCollector | None = None
        self._labels = pa.array(labels, pa.string())
        self._rows_by_genre = np.zeros(len(labels), dtype=np.int64)
        self._confidence = np.zeros(len(labels), dtype=np.float64)
        self._checked = 0
        self._foreign = 0
        self._rows = 0
        self._predicted = 0
        self._without_genre = 0
        self._skipped = 0
        self._columns: tuple[str | None, str | None] = (None, None)

    def add_chunk(
        self,
        chunk: Chunk,
        genres: pa.ListArray,
        probabilities: npt.NDArray[np.float32],
        *,
        skipped: int,
    ) -> None:
        """Add the rows of a chunk.

        Args:
            chunk: the rows.
            genres: (rows,) lists of predicted genres; null where nothing was predicted.
            probabilities: (rows, genres) float32; NaN where nothing was predicted.
            skipped: how many rows were skipped because of `only_missing`.
        """
        if self.profile is not None:
            self.profile.add(chunk, genres, probabilities)
        count = len(self._labels)
        self._rows += len(genres)
        self._skipped += skipped
        self._predicted += len(genres) - genres.null_count
        self._without_genre += int(pc.sum(pc.equal(pc.list_value_length(genres), 0)).as_py() or 0)
        rows, columns = predicted_places(genres, self._labels)
        self._rows_by_genre += np.bincount(columns, minlength=count)
        self._confidence += np.bincount(
            columns, weights=probabilities[rows, columns], minlength=count
        )

    def add_foreign(self, checked: int, foreign: int) -> None:
        """Count the texts of a chunk, and those in a script that the model hardly reads."""
        self._checked += checked
        self._foreign += foreign

    def add_texts(self, texts: pa.Array) -> npt.NDArray[np.bool_]:
        """Count the languages of the next texts; return which are in another one.

        Args:
            texts: (rows,) of the chunk whose rows are added next.
        """
        return self._languages.add(texts, range(self._rows, self._rows + len(texts)))

    def set_columns(self, text: str | None, title: str | None) -> None:
        """Note the columns that were read."""
        self._columns = text, title

    def warn_of_texts(self, *, left_out: bool = False) -> None:
        """Warn of the counted texts that the model cannot read."""
        warn_of_texts(self.counts(RejectsFile(None)), left_out=left_out)

    def counts(self, rejects: RejectsFile) -> TaskCounts:
        """Return the counts of the complete output.

        Args:
            rejects: the unreadable rows of the output's inputs; the file is committed.
        """
        first = rejects.first
        languages = self._languages
        is_written = rejects.count and rejects.path is not None
        return TaskCounts(
            rows=self._rows,
            rows_predicted=self._predicted,
            rows_without_genre=self._without_genre,
            rows_skipped=self._skipped,
            rows_padded=self.padded.count,
            first_padded=self.padded.first or None,
            rows_rejected=rejects.count,
            first_reject=None if first is None else str(first),
            reject_advice=None if first is None else first.advice,
            rejects=(str(rejects.path),) if is_written else (),
            values_lost=self.values_lost,
            texts_predicted=self.texts_predicted,
            texts_from_cache=self.texts_from_cache,
            texts_checked=self._checked,
            texts_foreign=self._foreign,
            language=languages.language,
            rows_of_language_checked=languages.rows,
            other_languages=dict(languages.languages),
            first_other_language=languages.first or None,
            text_column=self._columns[0],
            title_column=self._columns[1],
            rows_by_genre=tuple(self._rows_by_genre.tolist()),
            confidence=tuple(self._confidence.tolist()),
            profile=None if self.profile is None else self.profile.as_dict(),
            unread=self.unread,
        )
