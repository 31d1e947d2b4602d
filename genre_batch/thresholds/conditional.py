"""Two thresholds a genre: one where another genre is predicted, one where it is not.

A film that is a romance is more often a comedy than one that is not, and what probability is worth
predicting differs with that. What is found here is no single number a genre, so it is none of
`METHODS`: `tune` offers it besides, and a model file carries it in a key of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.cross_fit import halves
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.sweep import best_threshold

__all__ = ["ConditionalThresholds", "conditional", "f1_given"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_DRAWS = 10
_MOST_STEPS = 100


@dataclass(frozen=True)
class ConditionalThresholds:
    """Thresholds that look at one other genre.

    Attributes:
        base: (genres,) float64, the unconditional thresholds, by which the other genre is judged.
        given: (genres,) int64, which other genre each looks at; its own number: none.
        thresholds: (2, genres) float64, where the other genre is not predicted, and where it is;
            infinite where the genre is not predicted at all.
    """

    base: Floats
    given: npt.NDArray[np.int64]
    thresholds: Floats

    def predict(self, probabilities: npt.NDArray[np.floating]) -> Bools:
        """(n, genres) probabilities -> (n, genres) bool."""
        there = (probabilities >= self.base)[:, self.given].astype(np.int64)
        thresholds = np.take_along_axis(self.thresholds, there, axis=0)
        predicted: Bools = probabilities >= thresholds
        return predicted


def f1_given(scores: Floats, truth: Bools, there: Bools) -> Floats:
    """The two thresholds whose predictions together have the largest F1, exactly.

    F1 = 2 hits / (predicted + positives) does not fall apart into the two groups, but
    2 hits - F x predicted does: with F the value reached so far, the best cut of each group is
    found by itself, and gives a larger F or proves that there is none (Dinkelbach 1967, "On
    Nonlinear Fractional Programming"; for F-measures: Parambath et al. 2014).

    Args:
        scores: (n,) probabilities of a genre.
        truth: (n,) whether it is there; not all False.
        there: (n,) whether the other genre is predicted.

    Returns:
        (2,) float64: outside and inside of `there`; infinite where nothing is to be predicted.
    """
    groups = [~there, there]
    positives = int(truth.sum())
    reached, thresholds = 0.0, np.full(2, np.inf)
    for _ in range(_MOST_STEPS):
        tried = np.array([_best(scores[group], truth[group], reached) for group in groups])
        predicted = scores >= np.where(there, tried[1], tried[0])
        value = 2 * int((predicted & truth).sum()) / (int(predicted.sum()) + positives)
        if value <= reached:
            break
        reached, thresholds = value, tried
    return thresholds


def _best(scores: Floats, truth: Bools, price: float) -> float:
    """The cut with the largest 2 hits - price x predicted; infinite if none is above zero."""
    if not len(scores):
        return np.inf

    def worth(hits: Floats, predicted: Floats, positives: int) -> Floats:
        values: Floats = 2 * hits - price * predicted
        return np.where(values > 0, values, -np.inf)

    found = best_threshold(scores, truth, worth)
    return np.inf if found is None else found


def conditional(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> ConditionalThresholds:
    """For each genre the other genre that it pays to look at, if there is one, and two thresholds.

    Which one is chosen by F1 on rows that the thresholds were not found on (ten draws of halves).
    The largest of eighteen such gains is still above zero more often than it should be: what the
    choice is worth has to be measured on yet other films.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
    """
    scores, truth = probabilities.astype(np.float64), labels.astype(bool)
    genres = truth.shape[1]
    base = f1_optimal(probabilities, labels)
    there = scores >= base
    given = np.arange(genres)
    thresholds = np.stack([base, base])
    for genre in np.flatnonzero(truth.any(axis=0)).tolist():
        gains = {
            other: _gain(scores[:, genre], truth[:, genre], there[:, other])
            for other in range(genres)
            if other != genre
        }
        best = max(gains, key=lambda other: gains[other], default=genre)
        if best != genre and gains[best] > 0:
            given[genre] = best
            thresholds[:, genre] = f1_given(scores[:, genre], truth[:, genre], there[:, best])
    return ConditionalThresholds(base, given, thresholds)


def _gain(scores: Floats, truth: Bools, there: Bools) -> float:
    """F1 gained over one threshold, both found on the other half of the rows."""
    gains = []
    for seed in range(_DRAWS):
        two, one = np.empty(len(truth)), np.empty(len(truth))
        for judged, fitted in halves(len(truth), seed):
            if not truth[fitted].any():
                return -np.inf
            found = f1_given(scores[fitted], truth[fitted], there[fitted])
            two[judged] = np.where(there[judged], found[1], found[0])
            one[judged] = f1_optimal(scores[fitted, None], truth[fitted, None].astype(int))[0]
        gains.append(_f1(scores >= two, truth) - _f1(scores >= one, truth))
    return float(np.mean(gains))


def _f1(predicted: Bools, truth: Bools) -> float:
    return 2 * int((predicted & truth).sum()) / (int(predicted.sum()) + int(truth.sum()))
