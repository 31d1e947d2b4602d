"""Score a system's predictions under every threshold scheme: the rows of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.evaluation.metrics import Scores, score_predictions
from genre_batch.evaluation.per_genre import GenreScores, genre_scores
from genre_batch.thresholds.methods import find_thresholds

__all__ = ["FIXED", "SCHEMES", "TOP_GENRE", "LabelledPredictions", "Row", "Trial", "score_trial"]

LabelledPredictions = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]
"""(films, genres) probabilities, and the labels of the same films, 0 or 1."""

FIXED = "fixed-0.5"
TOP_GENRE = "top-genre"
SCHEMES = (FIXED, "anneal-1", "anneal-5", "anneal-10", "anneal-10-decay", "mcc-grid", "f1")
"""The paper's threshold schemes, the one of reference [3], and this tool's default."""

_DECIMALS = {"zeros": 4}


@dataclass(frozen=True)
class Trial:
    """One system, fitted under one protocol; the fields are keys of comparison.json.

    Attributes:
        system: its name.
        says: its description.
        protocol: `clean` or `paper`.
        data: `original` or `oversampled`: the training rows and, under the paper's protocol, the
            test rows too.
        reads: `overview` or `title and overview`.
        single_genre: the system predicts each film's most probable genre, without thresholds.
        schemes: the threshold schemes to apply.
        base_model: the encoder it started from; None: no encoder.
        copies_by: the translator of its training copies; None: no copies.
        training_films: number of training films.
        seen: number of test films that the system was trained on.
        seed: of all randomness.
        seconds: of training.
        films_per_second: when predicting the test part.
        parameters: number of trained parameters.
        quick: trained too little for meaningful figures.
        zeros: share of zeros among all labels of all parts: the accuracy of predicting no genre
            for the whole catalog.
    """

    system: str
    says: str
    protocol: str
    data: str
    reads: str
    single_genre: bool
    schemes: tuple[str, ...]
    base_model: str | None
    copies_by: str | None
    training_films: int
    seen: int
    seed: int
    seconds: float
    films_per_second: float
    parameters: int
    quick: bool
    zeros: float | None = None


@dataclass(frozen=True)
class Row:
    """One trial under one threshold scheme, on the test part.

    Attributes:
        trial: the fitted system.
        thresholds: the scheme, or `top-genre`.
        scores: on the test part; mean average precision is that of the probabilities.
        commonest: scores of the test part's most common genre, whose confusion matrix the paper
            shows.
    """

    trial: Trial
    thresholds: str
    scores: Scores
    commonest: GenreScores

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict: the trial's fields, the scores and the confusion matrix."""
        trial = asdict(self.trial)
        del trial["schemes"]
        scores = self.scores.as_dict()
        del scores["f1"]
        matrix = {name: getattr(self.commonest, name) for name in ("genre", "tp", "fp", "fn", "tn")}
        return {
            "system": trial.pop("system"),
            "thresholds": self.thresholds,
            "protocol": trial.pop("protocol"),
            **scores,
            **{
                name: round(value, _DECIMALS.get(name, 2)) if isinstance(value, float) else value
                for name, value in trial.items()
            },
            "commonest": matrix,
        }


def score_trial(
    trial: Trial,
    names: Sequence[str],
    development: LabelledPredictions,
    test: LabelledPredictions,
) -> list[Row]:
    """Score a trial under each of its threshold schemes; a single-genre system has one row.

    Args:
        trial: the fitted system.
        names: the genres, in column order.
        development: what thresholds are fitted on.
        test: what is scored.
    """
    probabilities, labels = test
    commonest = int(labels.sum(axis=0).argmax())
    column = [commonest]
    rows = []
    for scheme in (TOP_GENRE,) if trial.single_genre else trial.schemes:
        if scheme == TOP_GENRE:
            predicted, thresholds = _top_genre(probabilities), np.full(len(names), 0.5)
        else:
            predicted, thresholds = probabilities, find_thresholds(scheme, *development)
        scores = score_predictions(labels, predicted, thresholds, names)
        if trial.single_genre:
            ranking = score_predictions(labels, probabilities, thresholds, names)
            scores = replace(scores, map=ranking.map, map_interval=ranking.map_interval)
        (genre,) = genre_scores(
            labels[:, column], predicted[:, column], thresholds[column], [names[commonest]]
        )
        rows.append(Row(trial, scheme, scores, genre))
    return rows


def _top_genre(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return 1 for each film's most probable genre, 0 for the others."""
    top = np.zeros_like(probabilities)
    top[np.arange(len(top)), probabilities.argmax(axis=1)] = 1.0
    return top
