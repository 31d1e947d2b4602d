"""F1 thresholds for rare genres, whose few positives say little about where the best cut is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["f1_floor", "f1_shrunk"]

Floats = npt.NDArray[np.float64]
Method = Callable[[npt.NDArray[np.floating], npt.NDArray[np.integer], float], Floats]

SHRINKAGES = (0.0, 5.0, 10.0, 20.0, 40.0, 80.0)
FLOORS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
FOLDS = 5
DRAWS = 5


def f1_shrunk(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Floats:
    """F1-optimal thresholds, the rarer the genre the nearer to one that all genres share.

    A genre with n positives gets (n t + k s) / (n + k): t its own F1-optimal threshold, s that of
    all decisions pooled. k is chosen from `SHRINKAGES` by macro-F1 on films that had no say in the
    thresholds (two-fold, `DRAWS` draws); the smallest of equals, and 0 is no shrinkage. The form is
    that of an empirical Bayes estimate (Efron and Morris 1975, "Data Analysis Using Stein's
    Estimator and its Generalizations").

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64.
    """
    return _best_of(SHRINKAGES, _shrunk, probabilities, labels)


def f1_floor(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Floats:
    """Mean F1-optimal thresholds of five folds; a genre hardly predictable is predicted rarely.

    SCutFBR.1 (Fan and Lin 2007, "A Study on Threshold Selection for Multi-label Classification"):
    where the best F1 on a fold is below the floor, that fold's threshold is its highest
    probability, instead of a low one that calls the genre everywhere. The floor is chosen from
    `FLOORS` by macro-F1 on films that had no say in the thresholds (two-fold, `DRAWS` draws).

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a single positive.
    """
    return _best_of(FLOORS, _floored, probabilities, labels)


def _best_of(
    settings: Sequence[float],
    method: Method,
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
) -> Floats:
    """The method's thresholds with the setting that serves unseen films best."""
    scores = np.zeros(len(settings))
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(len(labels))
        halves = order[::2], order[1::2]
        for fitted, judged in (halves, halves[::-1]):
            for at, setting in enumerate(settings):
                thresholds = method(probabilities[fitted], labels[fitted], setting)
                predicted = probabilities[judged] >= thresholds
                scores[at] += _macro_f1(predicted, labels[judged])
    return method(probabilities, labels, settings[int(scores.argmax())])


def _macro_f1(predicted: npt.NDArray[np.bool_], labels: npt.NDArray[np.integer]) -> float:
    hits = (predicted & (labels == 1)).sum(axis=0)
    return float((2 * hits / np.maximum(1, predicted.sum(axis=0) + labels.sum(axis=0))).mean())


def _shrunk(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], strength: float
) -> Floats:
    own = f1_optimal(probabilities, labels)
    shared = f1_optimal(probabilities.reshape(-1, 1), labels.reshape(-1, 1))[0]
    positives = labels.sum(axis=0)
    weight = positives / np.maximum(positives + strength, 1)
    return np.where(positives + strength > 0, weight * own + (1 - weight) * shared, own)


def _floored(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], floor: float
) -> Floats:
    order = np.random.default_rng(0).permutation(len(labels))
    found = np.full((FOLDS, labels.shape[1]), np.nan)
    for fold in range(FOLDS):
        rows = order[fold::FOLDS]
        scores, truth = probabilities[rows], labels[rows]
        if not len(rows):
            continue
        thresholds = f1_optimal(scores, truth)
        predicted = scores >= thresholds
        hits = (predicted & (truth == 1)).sum(axis=0)
        f1 = 2 * hits / np.maximum(1, predicted.sum(axis=0) + truth.sum(axis=0))
        thresholds = np.where(f1 < floor, scores.max(axis=0), thresholds)
        there = truth.any(axis=0)
        found[fold, there] = thresholds[there]
    filled = ~np.isnan(found)
    totals = np.where(filled, found, 0.0).sum(axis=0)
    return np.where(
        filled.any(axis=0), totals / np.maximum(1, filled.sum(axis=0)), DEFAULT_THRESHOLD
    )
