"""The threshold of each genre with the largest Matthews correlation coefficient, from a grid."""

from __future__ import annotations

import numpy as np

from genre_batch.thresholds.arrays import Floats, Labels, Probabilities
from genre_batch.thresholds.confusion import GRID, count_on_grid
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["mcc_grid"]


def mcc_grid(probabilities: Probabilities, labels: Labels) -> Floats:
    """Find the threshold of each genre, of 0.01, 0.02 ... 0.99, with the largest MCC.

    The method is a grid search per genre (Chu and Guo 2017, "Movie Genre Classification based on
    Poster Images with Deep Neural Networks"). Of equally good thresholds, the lowest is returned.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a positive.
    """
    best = GRID[count_on_grid(probabilities, labels).mcc().argmax(axis=1)]
    return np.where(labels.any(axis=0), best, DEFAULT_THRESHOLD)
