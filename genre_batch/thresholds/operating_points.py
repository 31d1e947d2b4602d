"""Named sets of thresholds for different wishes, each with what it keeps on unseen films."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.expected_f1 import f1_expected
from genre_batch.thresholds.methods import Method
from genre_batch.thresholds.sweep import Objective, best_threshold

__all__ = [
    "OPERATING_POINTS",
    "Measured",
    "at_precision",
    "at_recall",
    "measure_point",
    "score_optimal",
]

Floats = npt.NDArray[np.float64]
Probabilities = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]

DRAWS = 5


def _each(probabilities: Probabilities, labels: Labels, objective: Objective) -> Floats:
    """(genres,) the best cut of each genre; infinity, never, where none will do."""
    found = [
        best_threshold(column.astype(np.float64), truth.astype(bool), objective)
        if truth.any()
        else None
        for column, truth in zip(probabilities.T, labels.T, strict=True)
    ]
    return np.array([np.inf if one is None else one for one in found])


def at_precision(probabilities: Probabilities, labels: Labels, *, precision: float) -> Floats:
    """Per genre, the cut with the most hits of those with this precision.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        precision: the least share of predictions that are right, 0..1.

    Returns:
        (genres,) float64; infinity for a genre that no threshold makes so precise.
    """

    def most_hits(hits: Floats, predicted: Floats, positives: int) -> Floats:
        return np.where(hits >= precision * predicted, hits, -np.inf)

    return _each(probabilities, labels, most_hits)


def at_recall(probabilities: Probabilities, labels: Labels, *, recall: float) -> Floats:
    """Per genre, the cut that predicts fewest of those with this recall.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        recall: the least share of a genre's films that are found, 0..1.

    Returns:
        (genres,) float64; infinity for a genre without a single positive.
    """

    def fewest(hits: Floats, predicted: Floats, positives: int) -> Floats:
        return np.where(hits >= recall * positives, -predicted, -np.inf)

    return _each(probabilities, labels, fewest)


def score_optimal(probabilities: Probabilities, labels: Labels) -> Floats:
    """Per genre, the cut with the largest score of the paper, 3 TP + TN of what could be had.

    Each genre predicted gains 3 where it is right and loses 1 where it is wrong (Balete and Ducay
    2024).

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; infinity for a genre that only loses by being predicted.
    """

    def gain(hits: Floats, predicted: Floats, positives: int) -> Floats:
        gained = 3 * hits - (predicted - hits)
        return np.where(gained > 0, gained, -np.inf)

    return _each(probabilities, labels, gain)


OPERATING_POINTS: dict[str, Method] = {
    "f1": f1_optimal,
    "balanced": f1_expected,
    "precision=0.9": partial(at_precision, precision=0.9),
    "recall=0.9": partial(at_recall, recall=0.9),
    "score": score_optimal,
}


@dataclass(frozen=True)
class Measured:
    """A set of thresholds and what it is worth.

    Attributes:
        thresholds: (genres,) float64, found on all rows; infinity switches a genre off.
        precision, recall: pooled over genres, 0..1, of each row at thresholds in which it had no
            say (two-fold, mean of `DRAWS` draws); 0 where nothing was predicted.
    """

    thresholds: Floats
    precision: float
    recall: float


def measure_point(method: Method, probabilities: Probabilities, labels: Labels) -> Measured:
    """Finds a set of thresholds and measures it, cross-fitted.

    Args:
        method: finds thresholds.
        probabilities: (n, genres), 0..1; n at least 2.
        labels: (n, genres), 0 or 1.
    """
    truth = labels.astype(bool)
    precisions, recalls = [], []
    for seed in range(DRAWS):
        predicted = probabilities >= cross_fitted(method, probabilities, labels, seed)
        hits = int((predicted & truth).sum())
        precisions.append(hits / max(1, int(predicted.sum())))
        recalls.append(hits / max(1, int(truth.sum())))
    return Measured(
        method(probabilities, labels), float(np.mean(precisions)), float(np.mean(recalls))
    )
