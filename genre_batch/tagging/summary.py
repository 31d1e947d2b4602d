"""The summary of a run, built from the counts of its outputs."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from genre_batch.model.tagger import GenreTagger
from genre_batch.profile.profile import CatalogProfile, ProfileCollector
from genre_batch.tagging.counts import TaskCounts
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.written_names import WrittenNames

__all__ = ["GenreCount", "TagSummary", "genres_off", "summarize"]


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
        language: the code of the language that the model reads, or of `only_language`; None: it is
            not known, and the language of texts is not looked at.
        rows_in_other_languages: rows with a text in another one; with `only_language`, their genres
            are null.
        other_languages: the codes of these languages -> rows, most rows first; `und`: not known.
        first_other_language: the row and the start of the first of them; None if there are none.
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
        genres: every genre of the model by its name in the output, most frequent first.
        genres_off: the genres that the operating point switches off.
        calibrated: whether the probabilities, and so `mean_confidence`, are calibrated.
        text_column, title_column: the columns read, in the first output's inputs; None if absent.
        model, model_sha256: the model file and its hash.
        output: the output's path; None for stdout.
        parts: the number of outputs: one for each input, or stretch of an input, in a folder.
        parts_done_before: how many of them earlier runs of the same job wrote; all other counts
            include them.
        seconds: from opening the input to the finished output, without reading the model file.
        rows_per_second: the rows that this run wrote over `seconds`.
        row_name: what the model calls a row, in the plural.
        texts_foreign: the texts in a script that the model hardly reads.
        profile: counts by genre, year and pair of genres, if the job asks for them; else None.
    """

    rows: int
    rows_predicted: int
    rows_without_text: int
    rows_without_genre: int
    rows_skipped: int
    language: str | None
    rows_in_other_languages: int
    other_languages: dict[str, int]
    first_other_language: str | None
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
    parts: int
    parts_done_before: int
    seconds: float
    rows_per_second: float
    row_name: str = "films"
    texts_foreign: int = 0
    profile: CatalogProfile | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as `--summary-json` writes it."""
        values = asdict(replace(self, profile=None))
        del values["profile"]
        return values


def genres_off(job: TagJob, tagger: GenreTagger, names: WrittenNames) -> tuple[str, ...]:
    """Return the genres that the job's decision switches off, by their names in the output.

    Raises:
        UsageError: the model does not have the job's operating point, or no calibration.
    """
    off = np.isinf(names.job(job).decision.thresholds(tagger.metadata)).tolist()
    return tuple(itertools.compress(names.names, off))


def summarize(
    job: TagJob,
    tagger: GenreTagger,
    names: WrittenNames,
    counts: TaskCounts,
    seconds: float,
    *,
    parts: int = 1,
    parts_done_before: int = 0,
    rows_written: int | None = None,
) -> TagSummary:
    """Build the summary of a run.

    Args:
        job, tagger: the run's options and model.
        names: the names under which its genres are written.
        counts: the sum over its outputs.
        seconds: how long the run took.
        parts, parts_done_before: as in `TagSummary`.
        rows_written: the rows that this run wrote; None: all that are counted.

    Raises:
        UsageError: the model does not have the job's operating point, or no calibration.
    """
    written = counts.rows if rows_written is None else rows_written
    in_others = sum(counts.other_languages.values())
    left_out = 0 if job.only_language is None else in_others
    return TagSummary(
        rows=counts.rows,
        rows_predicted=counts.rows_predicted,
        rows_without_text=counts.rows - counts.rows_predicted - counts.rows_skipped - left_out,
        rows_without_genre=counts.rows_without_genre,
        rows_skipped=counts.rows_skipped,
        language=counts.language,
        rows_in_other_languages=in_others,
        other_languages=dict(Counter(counts.other_languages).most_common()),
        first_other_language=counts.first_other_language,
        rows_padded=counts.rows_padded,
        first_padded=counts.first_padded,
        rows_rejected=counts.rows_rejected,
        values_lost=counts.values_lost,
        rejects=counts.rejects,
        first_reject=counts.first_reject,
        reject_advice=counts.reject_advice,
        texts_predicted=counts.texts_predicted,
        texts_from_cache=counts.texts_from_cache,
        genres=_genre_counts(names.names, counts),
        genres_off=genres_off(job, tagger, names),
        calibrated=job.decision.calibrated,
        text_column=counts.text_column,
        title_column=counts.title_column,
        model=str(tagger.path),
        model_sha256=tagger.sha256,
        output=None if job.output is None else os.fspath(job.output),
        parts=parts,
        parts_done_before=parts_done_before,
        seconds=seconds,
        rows_per_second=written / seconds if seconds else 0.0,
        **_for_page(tagger, names, counts),
    )


def _for_page(tagger: GenreTagger, names: WrittenNames, counts: TaskCounts) -> dict[str, Any]:
    """Return the fields that only a page shows."""
    profile = None
    if counts.profile is not None:
        profile = ProfileCollector.from_dict(counts.profile).profile(names.read)
        profile = profile.named(names.names, names.left_out)
    return {
        "row_name": tagger.metadata.row_name,
        "texts_foreign": counts.texts_foreign,
        "profile": profile,
    }


def _genre_counts(labels: tuple[str, ...], counts: TaskCounts) -> tuple[GenreCount, ...]:
    """Return every genre's count, most frequent first, ties in label order."""
    by_genre = counts.rows_by_genre or (0,) * len(labels)
    confidence = counts.confidence or (0.0,) * len(labels)
    predicted = counts.rows_predicted
    return tuple(
        GenreCount(
            genre=labels[index],
            rows=by_genre[index],
            share=by_genre[index] / predicted if predicted else 0.0,
            mean_confidence=confidence[index] / by_genre[index] if by_genre[index] else None,
        )
        for index in sorted(range(len(labels)), key=lambda index: -by_genre[index])
    )
