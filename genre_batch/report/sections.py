"""Sections of a report that show scored predictions; `evaluate` and `train` share them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from genre_batch.evaluation.calibration import genre_calibrations
from genre_batch.evaluation.metrics import Average
from genre_batch.evaluation.per_genre import GenreScores, Predictions, genre_scores
from genre_batch.report.counts import genre_counts
from genre_batch.report.curves import calibration, precision_recall_curves, threshold_curves
from genre_batch.report.matrices import confusion_matrices
from genre_batch.report.page import Column, Section, Table

__all__ = [
    "FIRST_SHOWN",
    "averages_table",
    "capitalized",
    "curves_section",
    "facts_table",
    "first_shown",
    "genres_table",
    "matrices_table",
    "prediction_sections",
]

FIRST_SHOWN = "Drama"
"""The genre of the paper's figures 4 and 5."""


def averages_table(averages: Iterable[Average], caption: str, rows: str = "films") -> Table:
    """List metrics over all genres, with their intervals; `rows` is what a row is called."""
    columns = (
        (Column("Figure"), attrgetter("name")),
        (Column("Value", 3), attrgetter("value")),
        (Column("95 % from", 3, f"lower end of the bootstrap interval over {rows}"), _end(0)),
        (Column("to", 3, f"upper end of the bootstrap interval over {rows}"), _end(1)),
    )
    return Table.of(caption, averages, columns)


def _end(index: int) -> Any:
    return lambda average: None if average.interval is None else average.interval[index]


def genres_table(scores: Sequence[GenreScores], caption: str, rows: str = "films") -> Table:
    """List each genre's scores; `rows` is what a row is called."""
    columns = (
        (Column("Genre"), attrgetter("genre")),
        (Column(capitalized(rows), 0, f"{rows} that have the genre"), attrgetter("films")),
        (
            Column("Threshold", 3, "the lowest probability at which it is predicted"),
            attrgetter("threshold"),
        ),
        (
            Column("Precision", 3, f"share of the {rows} predicted to have the genre that have it"),
            attrgetter("precision"),
        ),
        (
            Column("Recall", 3, f"share of the {rows} that have the genre that are predicted"),
            attrgetter("recall"),
        ),
        (Column("F1", 3, "the harmonic mean of precision and recall"), attrgetter("f1")),
        (
            Column("AP", 3, "average precision, over all thresholds"),
            attrgetter("average_precision"),
        ),
        (Column("MCC", 3, "Matthews correlation coefficient"), attrgetter("mcc")),
    )
    return Table.of(caption, scores, columns)


def matrices_table(scores: Sequence[GenreScores], caption: str) -> Table:
    """List each genre's confusion matrix, one row each."""
    columns = (
        (Column("Genre"), attrgetter("genre")),
        (Column("TP", 0, "have the genre, predicted"), attrgetter("tp")),
        (Column("FP", 0, "do not have the genre, predicted"), attrgetter("fp")),
        (Column("FN", 0, "have the genre, not predicted"), attrgetter("fn")),
        (Column("TN", 0, "do not have the genre, not predicted"), attrgetter("tn")),
    )
    return Table.of(caption, scores, columns)


def _calibration_table(predictions: Predictions, films: str, rows: str) -> Table:
    """List how well each genre's probabilities agree with frequencies."""
    measured = genre_calibrations(
        predictions.labels, predictions.probabilities, predictions.names, predictions.calibrated
    )
    after = "of calibrated probabilities (tag --calibrated)"
    columns = (
        (Column("Genre"), attrgetter("genre")),
        (Column("Share", 3, f"share of the {rows} that have it"), attrgetter("share")),
        (Column("Mean probability", 3), attrgetter("mean_probability")),
        (Column("Error", 3, "expected calibration error"), attrgetter("error")),
        (Column("Mean, calibrated", 3, after), attrgetter("calibrated_mean_probability")),
        (Column("Error, calibrated", 3, after), attrgetter("calibrated_error")),
    )
    shown = columns if predictions.calibrated is not None else columns[:4]
    return Table.of(f"Calibration of each genre on {films}", measured, shown)


def facts_table(facts: Mapping[str, Any], caption: str) -> Table:
    """List names and values of any kind: options, versions, hashes."""
    return Table(
        caption,
        (Column("Name"), Column("Value")),
        tuple((name, _in_words(value)) for name, value in _flat(facts)),
    )


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Flatten nested mappings, joining their names, and lists of mappings, numbered from 1."""
    for key, value in facts.items():
        name = f"{prefix} {key.replace('_', ' ')}".strip()
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from _flat({str(number): item for number, item in enumerate(value, 1)}, name)
        else:
            yield name, value


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == []:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def first_shown(scores: Sequence[GenreScores]) -> str:
    """Choose the genre that figures of one genre show initially: Drama, or the most common one."""
    names = [genre.genre for genre in scores]
    return FIRST_SHOWN if FIRST_SHOWN in names else max(scores, key=attrgetter("films")).genre


def curves_section(predictions: Predictions, chosen: str, *paragraphs: str) -> Section:
    """Make the section of precision-recall and threshold curves.

    Args:
        predictions: at least one film and one genre.
        chosen: the genre shown initially.
        paragraphs: text before the figures.
    """
    return Section(
        "Curves",
        paragraphs,
        (precision_recall_curves(predictions, chosen), threshold_curves(predictions, chosen)),
    )


def capitalized(noun: str) -> str:
    """Return a noun with a capital letter first, for the head of a column."""
    return noun[:1].upper() + noun[1:]


def prediction_sections(
    predictions: Predictions, films: str, rows: str = "films"
) -> tuple[Section, ...]:
    """Make the sections of one set of predictions: genres, confusion, curves, counts, calibration.

    Args:
        predictions: at least one film and one genre.
        films: which films these are, such as `the test part`.
        rows: what they are called, in the plural.
    """
    scores = genre_scores(
        predictions.labels, predictions.probabilities, predictions.thresholds, predictions.names
    )
    chosen = first_shown(scores)
    counts = {
        "have it": {genre.genre: genre.films for genre in scores},
        "predicted": {genre.genre: genre.tp + genre.fp for genre in scores},
    }
    return (
        Section("Genres", tables=(genres_table(scores, f"Each genre's figures on {films}", rows),)),
        Section(
            "Confusion",
            figures=(confusion_matrices(scores, chosen, rows),),
            tables=(matrices_table(scores, f"Every genre's confusion matrix on {films}"),),
        ),
        curves_section(predictions, chosen),
        Section(
            "Counts and calibration",
            figures=(
                genre_counts(
                    counts,
                    f"{capitalized(rows)} of each genre",
                    f"For each genre, how many {rows} of {films} have it, and for how many it is "
                    "predicted.",
                    rows,
                ),
                calibration(predictions, chosen),
            ),
            tables=(_calibration_table(predictions, films, rows),),
        ),
    )
