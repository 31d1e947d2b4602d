"""The threshold of each genre with the largest Matthews correlation, from a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.confusion import GRID, count_on_grid
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["mcc_grid"]


def mcc_grid(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """Per genre, the threshold of 0.01, 0.02 ... 0.99 with the largest Matthews correlation.

    Chu and Guo 2017, "Movie Genre Classification based on Poster Images with Deep Neural
    Networks": a grid search per genre. Of equally good thresholds the lowest is taken.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a single positive.
    """
    best = GRID[count_on_grid(probabilities, labels).mcc().argmax(axis=1)]
    return np.where(labels.any(axis=0), best, DEFAULT_THRESHOLD)
