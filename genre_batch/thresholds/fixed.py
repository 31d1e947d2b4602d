"""The same threshold for every genre, independent of the data."""

from __future__ import annotations

import numpy as np

from genre_batch.thresholds.arrays import Floats, Labels, Probabilities

__all__ = ["DEFAULT_THRESHOLD", "fixed"]

DEFAULT_THRESHOLD = 0.5


def fixed(probabilities: Probabilities, labels: Labels) -> Floats:
    """Return 0.5 for every genre: the midpoint of the sigmoid, where the paper's annealing starts.

    Args:
        probabilities: (n, genres); only the number of columns is used.
        labels: (n, genres); not used.

    Returns:
        (genres,) float64.
    """
    return np.full(probabilities.shape[1], DEFAULT_THRESHOLD)
