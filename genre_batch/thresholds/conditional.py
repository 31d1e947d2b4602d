"""Two thresholds per genre: one where another genre is predicted, one where it is not.

A romance is more often a comedy than other films are, so the best threshold of comedy depends on
whether romance is predicted. The result is not one number per genre, so the method is not in
`METHODS`: `tune` offers it in addition, and a model file stores its thresholds under their own key.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.arrays import Bools, Films, Floats, Labels, Probabilities
from genre_batch.thresholds.confusion import f1_per_genre
from genre_batch.thresholds.cross_fit import halves
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.few_positives import has_few_positives, limited
from genre_batch.thresholds.sweep import best_threshold

__all__ = ["ConditionalThresholds", "conditional", "f1_given"]

DRAWS = 10
_MAX_STEPS = 100


@dataclass(frozen=True)
class ConditionalThresholds:
    """Thresholds of which each may depend on one other genre.

    Attributes:
        base: (genres,) float64, the unconditional thresholds; they decide whether the other genre
            is predicted.
        given: (genres,) int64, the index of the other genre; a genre's own index: none.
        thresholds: (2, genres) float64, where the other genre is not predicted, and where it is;
            infinite where the genre is never predicted.
    """

    base: Floats
    given: npt.NDArray[np.int64]
    thresholds: Floats

    def predict(self, probabilities: Probabilities) -> Bools:
        """Apply the thresholds.

        Args:
            probabilities: (n, genres), 0..1.

        Returns:
            (n, genres) bool.
        """
        other_predicted = (probabilities >= self.base)[:, self.given].astype(np.int64)
        thresholds = np.take_along_axis(self.thresholds, other_predicted, axis=0)
        predicted: Bools = probabilities >= thresholds
        return predicted


def f1_given(scores: Floats, truth: Bools, other_predicted: Bools) -> Floats:
    """Find the two thresholds whose predictions together have the largest F1, exactly.

    F1 = 2 hits / (predicted + positives) is not a sum over the two groups of rows, but
    2 hits - F x predicted is. With F the value reached so far, the best threshold of each group is
    found on its own. The two either give a larger F or prove that there is none (Dinkelbach 1967,
    "On Nonlinear Fractional Programming"; for F-measures: Parambath et al. 2014).

    Args:
        scores: (n,) probabilities of a genre.
        truth: (n,) its labels; at least one is true.
        other_predicted: (n,) whether the other genre is predicted.

    Returns:
        (2,) float64: where the other genre is not predicted, and where it is; infinite where
        predicting nothing is best.
    """
    groups = [~other_predicted, other_predicted]
    best_f1, thresholds = 0.0, np.full(2, np.inf)
    for _ in range(_MAX_STEPS):
        candidates = np.array(
            [_best_of_group(scores[group], truth[group], best_f1) for group in groups]
        )
        predicted = scores >= np.where(other_predicted, candidates[1], candidates[0])
        f1 = _f1(predicted, truth)
        if f1 <= best_f1:
            break
        best_f1, thresholds = f1, candidates
    return thresholds


def _best_of_group(scores: Floats, truth: Bools, price: float) -> float:
    """Return the threshold with the largest 2 hits - price x predicted; infinite if none is > 0."""
    if not len(scores):
        return np.inf

    def gain(hits: Floats, predicted: Floats, positives: int) -> Floats:
        values: Floats = 2 * hits - price * predicted
        return np.where(values > 0, values, -np.inf)

    threshold = best_threshold(scores, truth, gain)
    return np.inf if threshold is None else threshold


def conditional(
    probabilities: Probabilities, labels: Labels, films: Films = None
) -> ConditionalThresholds:
    """Find, for each genre, the other genre to condition on, if one helps, and two thresholds.

    The other genre is the one with the largest gain in cross-fitted F1 (`DRAWS` draws of halves),
    if that gain is positive. The largest of many such gains is biased upward, so the gain of the
    method itself must be measured on other films than these.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        films: (n,) ids, equal for wordings of one film, which are in one half.

    Returns:
        The thresholds; a genre that no other genre helps, or that has too few positives to decide
        (thresholds/few_positives.py), keeps its `f1_optimal` threshold or the limit above it.
    """
    scores, truth = probabilities.astype(np.float64), labels.astype(bool)
    genres = truth.shape[1]
    base = limited(f1_optimal)(probabilities, labels, films)
    predicted = scores >= base
    given = np.arange(genres)
    thresholds = np.stack([base, base])
    for genre in np.flatnonzero(~has_few_positives(labels, films)).tolist():
        gains = {
            other: _gain(scores[:, genre], truth[:, genre], predicted[:, other], films)
            for other in range(genres)
            if other != genre
        }
        best = max(gains, key=lambda other: gains[other], default=genre)
        if best != genre and gains[best] > 0:
            given[genre] = best
            thresholds[:, genre] = f1_given(scores[:, genre], truth[:, genre], predicted[:, best])
    return ConditionalThresholds(base, given, thresholds)


def _gain(scores: Floats, truth: Bools, other_predicted: Bools, films: Films) -> float:
    """Return the cross-fitted gain in F1 of two thresholds over one."""
    gains = []
    for seed in range(DRAWS):
        paired, single = np.empty(len(truth)), np.empty(len(truth))
        for scored, fitted in halves(len(truth), seed, films):
            if not truth[fitted].any():
                return -np.inf
            pair = f1_given(scores[fitted], truth[fitted], other_predicted[fitted])
            paired[scored] = np.where(other_predicted[scored], pair[1], pair[0])
            single[scored] = f1_optimal(scores[fitted, None], truth[fitted, None].astype(int))[0]
        gains.append(_f1(scores >= paired, truth) - _f1(scores >= single, truth))
    return float(np.mean(gains))


def _f1(predicted: Bools, truth: Bools) -> float:
    return float(f1_per_genre(truth[:, None], predicted[:, None])[0])
