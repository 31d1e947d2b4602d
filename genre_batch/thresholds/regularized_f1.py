"""F1 thresholds for rare genres, whose few positives hardly determine the best threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from genre_batch.thresholds.arrays import Films, Floats, Labels, Probabilities
from genre_batch.thresholds.confusion import f1_per_genre
from genre_batch.thresholds.cross_fit import folds, halves
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.few_positives import positive_films
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["f1_floor", "f1_shrunk"]

ByStrength = Callable[[float], Floats]
RegularizedMethod = Callable[[Probabilities, Labels, Films], ByStrength]
"""Does the work that no strength of regularization changes, and returns thresholds by strength."""

SHRINKAGES = (0.0, 5.0, 10.0, 20.0, 40.0, 80.0)
FLOORS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
FOLDS = 5
DRAWS = 5


def f1_shrunk(probabilities: Probabilities, labels: Labels, films: Films = None) -> Floats:
    """Shrink F1-optimal thresholds toward a shared one, the more the rarer the genre.

    A genre with n positives gets (n t + k s) / (n + k), where t is its own F1-optimal threshold
    and s that of all decisions pooled. k is the value of `SHRINKAGES` with the largest cross-fitted
    macro-F1 (two-fold, mean of `DRAWS` draws; the smallest of equals; 0 is no shrinkage). The form
    is that of an empirical Bayes estimate (Efron and Morris 1975, "Data Analysis Using Stein's
    Estimator and its Generalizations").

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        films: (n,) ids of the rows' films: positives are counted in films, and a film is in one
            half.

    Returns:
        (genres,) float64.
    """
    return _select_strength(SHRINKAGES, _shrink, probabilities, labels, films)


def f1_floor(probabilities: Probabilities, labels: Labels, films: Films = None) -> Floats:
    """Average F1-optimal thresholds of five folds, with a high threshold where the F1 is low.

    SCutFBR.1 (Fan and Lin 2007, "A Study on Threshold Selection for Multi-label Classification"):
    where the best F1 of a fold is below the floor, the fold's highest probability is its threshold,
    instead of a low threshold that predicts the genre for most rows. The floor is the value of
    `FLOORS` with the largest cross-fitted macro-F1 (two-fold, mean of `DRAWS` draws; the smallest
    of equals). Arguments and result are those of `f1_shrunk`; the threshold of a genre without a
    positive is 0.5.
    """
    return _select_strength(FLOORS, _average_with_floor, probabilities, labels, films)


def _select_strength(
    strengths: Sequence[float],
    method: RegularizedMethod,
    probabilities: Probabilities,
    labels: Labels,
    films: Films,
) -> Floats:
    """Find thresholds with the strength whose cross-fitted macro-F1 is largest."""
    scores = np.zeros(len(strengths))
    for seed in range(DRAWS):
        for scored, fitted in halves(len(labels), seed, films):
            own = None if films is None else films[fitted]
            find = method(probabilities[fitted], labels[fitted], own)
            for index, strength in enumerate(strengths):
                predicted = probabilities[scored] >= find(strength)
                scores[index] += f1_per_genre(labels[scored], predicted).mean()
    return method(probabilities, labels, films)(strengths[int(scores.argmax())])


def _shrink(probabilities: Probabilities, labels: Labels, films: Films = None) -> ByStrength:
    own = f1_optimal(probabilities, labels)
    shared = f1_optimal(probabilities.reshape(-1, 1), labels.reshape(-1, 1))[0]
    positives = positive_films(labels, films)

    def find(strength: float) -> Floats:
        weight = positives / np.maximum(positives + strength, 1)
        return np.where(positives + strength > 0, weight * own + (1 - weight) * shared, own)

    return find


def _average_with_floor(
    probabilities: Probabilities, labels: Labels, films: Films = None
) -> ByStrength:
    shape = (FOLDS, labels.shape[1])
    thresholds, f1, highest = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    filled = np.zeros(shape, dtype=np.bool_)
    for fold, rows in enumerate(folds(FOLDS, len(labels), 0, films)):
        if not len(rows):
            continue
        scores, truth = probabilities[rows], labels[rows]
        thresholds[fold] = f1_optimal(scores, truth)
        f1[fold] = f1_per_genre(truth, scores >= thresholds[fold])
        highest[fold] = scores.max(axis=0)
        filled[fold] = truth.any(axis=0)

    def find(floor: float) -> Floats:
        chosen = np.where(f1 < floor, highest, thresholds)
        totals = np.where(filled, chosen, 0.0).sum(axis=0)
        return np.where(
            filled.any(axis=0), totals / np.maximum(1, filled.sum(axis=0)), DEFAULT_THRESHOLD
        )

    return find
