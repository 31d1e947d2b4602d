"""Operating points: named sets of thresholds, each with its precision and recall on unseen rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from genre_batch.thresholds.arrays import Films, Floats, Labels, Method, Probabilities
from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.expected_f1 import f1_expected
from genre_batch.thresholds.few_positives import Limited, fit, limited
from genre_batch.thresholds.sweep import best_thresholds

__all__ = [
    "OPERATING_POINTS",
    "Measured",
    "at_cost",
    "at_precision",
    "at_recall",
    "combined",
    "measure_point",
    "method_of_target",
    "score_optimal",
]

DRAWS = 5
_ROUNDING = 1e-9
"""0.55 x 20 is a little more than 11 in floating point."""


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
        return np.where(hits >= precision * predicted - _ROUNDING, hits, -np.inf)

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
        return np.where(hits >= recall * positives - _ROUNDING, -predicted, -np.inf)

    return best_thresholds(probabilities, labels, fewest_predictions, np.inf)


def at_cost(
    probabilities: Probabilities, labels: Labels, *, false_positive: float, false_negative: float
) -> Floats:
    """Find the threshold of each genre with the smallest cost of wrong decisions.

    Elkan 2001, "The Foundations of Cost-Sensitive Learning", found on the labels themselves.

    Args:
        probabilities, labels: as in `at_precision`.
        false_positive: the cost of a genre predicted wrongly, above 0.
        false_negative: the cost of a genre missed, above 0.

    Returns:
        (genres,) float64; infinite for a genre whose prediction costs more than it saves at every
        threshold.
    """

    def saved(hits: Floats, predicted: Floats, positives: int) -> Floats:
        savings = false_negative * hits - false_positive * (predicted - hits)
        return np.where(savings > 0, savings, -np.inf)

    return best_thresholds(probabilities, labels, saved, np.inf)


score_optimal: Method = partial(at_cost, false_positive=1, false_negative=3)
"""The threshold of each genre with the largest score of the paper, 3 TP + TN: a predicted genre
gains 3 if it is right and loses 1 if it is wrong (Balete and Ducay 2024)."""


def method_of_target(kind: str, values: Sequence[float]) -> Method:
    """Return the method that finds the thresholds of a target.

    Args:
        kind: `precision`, `recall` or `cost`.
        values: the least precision or recall, or the costs of a false positive and of a false
            negative.
    """
    if kind == "precision":
        return partial(at_precision, precision=values[0])
    if kind == "recall":
        return partial(at_recall, recall=values[0])
    return partial(at_cost, false_positive=values[0], false_negative=values[1])


def combined(base: Method, by_genre: Mapping[int, Method]) -> Limited:
    """Return a method that finds the thresholds of some genres with methods of their own.

    Args:
        base: for all other genres.
        by_genre: column of the genre -> its method.
    """

    def find(probabilities: Probabilities, labels: Labels, films: Films) -> Floats:
        thresholds = fit(base, probabilities, labels, films).copy()
        for genre, method in by_genre.items():
            thresholds[genre] = method(probabilities[:, [genre]], labels[:, [genre]])[0]
        return thresholds

    return Limited(find)


OPERATING_POINTS: dict[str, Limited] = {
    "f1": limited(f1_optimal),
    "balanced": limited(f1_expected),
    "precision=0.9": limited(partial(at_precision, precision=0.9)),
    "recall=0.9": limited(partial(at_recall, recall=0.9)),
    "score": limited(score_optimal),
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


def measure_point(
    method: Method, probabilities: Probabilities, labels: Labels, films: Films = None
) -> Measured:
    """Find thresholds and measure their precision and recall by cross-fitting.

    Args:
        method: finds the thresholds.
        probabilities: (n, genres), 0..1; n is at least 2.
        labels: (n, genres), 0 or 1.
        films: (n,) ids, equal for wordings of one film, which are in one half.
    """
    truth = labels.astype(bool)
    precisions, recalls = [], []
    for seed in range(DRAWS):
        predicted = probabilities >= cross_fitted(method, probabilities, labels, seed, films)
        hits = int((predicted & truth).sum())
        precisions.append(hits / max(1, int(predicted.sum())))
        recalls.append(hits / max(1, int(truth.sum())))
    return Measured(
        fit(method, probabilities, labels, films),
        float(np.mean(precisions)),
        float(np.mean(recalls)),
    )
