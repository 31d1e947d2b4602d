"""Operating points: named sets of thresholds, each with its precision and recall on unseen rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from genre_batch.thresholds.arrays import Floats, Labels, Method, Probabilities
from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.expected_f1 import f1_expected
from genre_batch.thresholds.sweep import best_thresholds

__all__ = [
    "OPERATING_POINTS",
    "Measured",
    "at_precision",
    "at_recall",
    "measure_point",
    "score_optimal",
]

DRAWS = 5


def at_precision(probabilities: Probabilities, labels: Labels, *, precision: float) -> Floats:
    """Find the threshold of each genre with the most true positives at a minimum precision.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        precision: the minimum, 0..1.

    Returns:
        (genres,) float64; infinite for a genre that reaches the precision at no threshold.
    """

    def true_positives(hits: Floats, predicted: Floats, positives: int) -> Floats:
        return np.where(hits >= precision * predicted, hits, -np.inf)

    return best_thresholds(probabilities, labels, true_positives, np.inf)


def at_recall(probabilities: Probabilities, labels: Labels, *, recall: float) -> Floats:
    """Find the threshold of each genre with the fewest predictions at a minimum recall.

    Args:
        probabilities, labels: as in `at_precision`.
        recall: the minimum, 0..1.

    Returns:
        (genres,) float64; infinite for a genre without a positive.
    """

    def fewest_predictions(hits: Floats, predicted: Floats, positives: int) -> Floats:
        return np.where(hits >= recall * positives, -predicted, -np.inf)

    return best_thresholds(probabilities, labels, fewest_predictions, np.inf)


def score_optimal(probabilities: Probabilities, labels: Labels) -> Floats:
    """Find the threshold of each genre with the largest score of the paper, 3 TP + TN.

    A predicted genre gains 3 if it is right and loses 1 if it is wrong (Balete and Ducay 2024).

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; infinite for a genre whose prediction gains at no threshold.
    """

    def gain(hits: Floats, predicted: Floats, positives: int) -> Floats:
        gains = 3 * hits - (predicted - hits)
        return np.where(gains > 0, gains, -np.inf)

    return best_thresholds(probabilities, labels, gain, np.inf)


OPERATING_POINTS: dict[str, Method] = {
    "f1": f1_optimal,
    "balanced": f1_expected,
    "precision=0.9": partial(at_precision, precision=0.9),
    "recall=0.9": partial(at_recall, recall=0.9),
    "score": score_optimal,
}


@dataclass(frozen=True)
class Measured:
    """A set of thresholds with its cross-fitted precision and recall.

    Attributes:
        thresholds: (genres,) float64, fitted on all rows; infinite for a genre that is off.
        precision, recall: pooled over genres, 0..1, each row at thresholds fitted on the other half
            (mean of `DRAWS` draws); 0 where nothing was predicted.
    """

    thresholds: Floats
    precision: float
    recall: float


def measure_point(method: Method, probabilities: Probabilities, labels: Labels) -> Measured:
    """Find thresholds and measure their precision and recall by cross-fitting.

    Args:
        method: finds the thresholds.
        probabilities: (n, genres), 0..1; n is at least 2.
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
