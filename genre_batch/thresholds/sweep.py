"""The threshold sweep: try every threshold that changes a genre's predictions, keep the best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genre_batch.thresholds.arrays import Bools, Floats, Labels, Probabilities

__all__ = ["Objective", "best_threshold", "best_thresholds"]

Objective = Callable[[Floats, Floats, int], Floats]
"""Scores thresholds, given each one's true positives and predictions, and the genre's positives.

Minus infinity marks a threshold that is not acceptable."""


def best_threshold(scores: Floats, truth: Bools, objective: Objective) -> float | None:
    """Return the threshold whose predictions have the largest objective.

    An objective of the predictions alone changes only where the threshold passes a probability, so
    n candidates are enough, one below each probability. One sort counts the predictions of all.

    Args:
        scores: (n,) probabilities of one genre.
        truth: (n,) its labels.
        objective: what to maximize.

    Returns:
        The midpoint between the two probabilities that the threshold separates; the one that
        predicts fewest rows if several are equally good; None if none is acceptable.
    """
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    hits = np.cumsum(truth[order]).astype(np.float64)
    below = np.append(scores[1:], 0.0)
    values = objective(hits, np.arange(1.0, len(scores) + 1), int(truth.sum()))
    values[:-1][scores[:-1] == scores[1:]] = -np.inf  # no threshold separates equal probabilities
    best = int(np.argmax(values))
    if values[best] == -np.inf:
        return None
    middle = float((scores[best] + below[best]) / 2)
    # Adjacent floats have no midpoint, and rounding may return the lower one.
    return middle if middle > below[best] else float(scores[best])


def best_thresholds(
    probabilities: Probabilities, labels: Labels, objective: Objective, default: float
) -> Floats:
    """Return the best threshold of every genre.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        objective: what to maximize, genre by genre.
        default: for a genre without a positive, or without an acceptable threshold.

    Returns:
        (genres,) float64.
    """
    thresholds = np.full(probabilities.shape[1], default, dtype=np.float64)
    truth = labels.astype(bool)
    for genre in np.flatnonzero(truth.any(axis=0)).tolist():
        scores = probabilities[:, genre].astype(np.float64)
        threshold = best_threshold(scores, truth[:, genre], objective)
        if threshold is not None:
            thresholds[genre] = threshold
    return thresholds
