"""Sections of a report that show scored predictions; `evaluate` and `train` share them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genre_batch.evaluation.per_genre import (
    GenreScores,
    Predictions,
    genre_scores,
    shared_thresholds,
)
from genre_batch.report.figures import (
    calibration,
    confusion_matrices,
    genre_counts,
    precision_recall_curves,
    threshold_curves,
)
from genre_batch.report.page import Column, Section, Table

__all__ = [
    "FIRST_SHOWN",
    "Average",
    "averages_table",
    "facts_table",
    "first_shown",
    "genres_table",
    "matrices_table",
    "prediction_sections",
]

FIRST_SHOWN = "Drama"
"""The genre whose figures the paper shows (its figures 4 and 5)."""


@dataclass(frozen=True)
class Average:
    """A figure over all genres.

    Attributes:
        name: of the figure.
        value: 0..1.
        interval: (low, high), 95 %; None where none was computed.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None


def averages_table(averages: Iterable[Average], caption: str) -> Table:
    """Figures over all genres, each with its interval."""
    return Table(
        caption,
        (
            Column("Figure"),
            Column("Value", 3),
            Column("95 % from", 3, "lower end of the bootstrap interval over films"),
            Column("to", 3, "upper end of the bootstrap interval over films"),
        ),
        tuple((one.name, one.value, *(one.interval or (None, None))) for one in averages),
    )


def genres_table(scores: Sequence[GenreScores], caption: str) -> Table:
    """Each genre's figures."""
    return Table(
        caption,
        (
            Column("Genre"),
            Column("Films", 0, "films that have the genre"),
            Column("Threshold", 3, "the probability from which it is predicted"),
            Column("Precision", 3, "of the films given the genre, the share that has it"),
            Column("Recall", 3, "of the films that have the genre, the share given it"),
            Column("F1", 3, "the harmonic mean of precision and recall"),
            Column("AP", 3, "average precision, over all thresholds"),
            Column("MCC", 3, "Matthews correlation coefficient"),
        ),
        tuple(
            (
                one.genre,
                one.films,
                one.threshold,
                one.precision,
                one.recall,
                one.f1,
                one.average_precision,
                one.mcc,
            )
            for one in scores
        ),
    )


def matrices_table(scores: Sequence[GenreScores], caption: str) -> Table:
    """Each genre's confusion matrix, a row each."""
    return Table(
        caption,
        (
            Column("Genre"),
            Column("TP", 0, "have it and are given it"),
            Column("FP", 0, "have it not and are given it"),
            Column("FN", 0, "have it and are not given it"),
            Column("TN", 0, "have it not and are not given it"),
        ),
        tuple((one.genre, one.tp, one.fp, one.fn, one.tn) for one in scores),
    )


def facts_table(facts: Mapping[str, Any], caption: str) -> Table:
    """Names and values of any kind: options, versions, hashes."""
    return Table(
        caption,
        (Column("Name"), Column("Value")),
        tuple((name, _in_words(value)) for name, value in _flat(facts)),
    )


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    """Nested mappings as one, their names put together, and lists of them numbered from 1."""
    for key, value in facts.items():
        name = f"{above} {key.replace('_', ' ')}".strip()
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from _flat({str(at): one for at, one in enumerate(value, start=1)}, name)
        else:
            yield name, value


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == []:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def first_shown(scores: Sequence[GenreScores]) -> str:
    """The genre that figures of one genre begin with: Drama or, without it, the most common."""
    names = [one.genre for one in scores]
    return FIRST_SHOWN if FIRST_SHOWN in names else max(scores, key=lambda one: one.films).genre


def prediction_sections(predictions: Predictions, films: str) -> tuple[Section, ...]:
    """Genres, confusion matrices, curves, calibration and counts of one set of predictions.

    Args:
        predictions: at least one film and one genre.
        films: which films these are: `the test part`.
    """
    names, labels = predictions.names, predictions.labels
    probabilities = predictions.probabilities
    scores = genre_scores(labels, probabilities, predictions.thresholds, names)
    thresholds = shared_thresholds(predictions.thresholds)
    chosen = first_shown(scores)
    predicted = {one.genre: one.tp + one.fp for one in scores}
    return (
        Section(
            "Genres",
            tables=(genres_table(scores, f"Each genre's figures on {films}"),),
        ),
        Section(
            "Confusion",
            figures=(confusion_matrices(scores, chosen),),
            tables=(matrices_table(scores, f"Every genre's confusion matrix on {films}"),),
        ),
        Section(
            "Curves",
            figures=(
                precision_recall_curves(labels, probabilities, names, thresholds, chosen),
                threshold_curves(labels, probabilities, names, thresholds, chosen),
            ),
        ),
        Section(
            "Counts and calibration",
            figures=(
                genre_counts(
                    {"have it": {one.genre: one.films for one in scores}, "predicted": predicted},
                    "Films of each genre",
                    f"How many films of {films} have each genre, and how many are given it.",
                ),
                calibration(labels, probabilities),
            ),
        ),
    )
