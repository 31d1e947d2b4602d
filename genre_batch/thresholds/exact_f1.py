"""The threshold of each genre that makes its F1 largest, found exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD
from genre_batch.thresholds.sweep import best_threshold

__all__ = ["f1_optimal"]


def f1_optimal(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """Per genre, the cut through the sorted probabilities with the largest F1.

    F1 changes only where a probability is passed, so the n cuts between neighbours are all there
    are to try, and one sort finds the best of them (Lipton, Elkan and Narayanaswamy 2014,
    "Optimal Thresholding of Classifiers to Maximize F1 Measure", section 4). Macro-F1 is the mean
    of these, so it is largest too. Of equally good cuts the one that predicts fewest is taken;
    the threshold lies half-way between the two probabilities it separates.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a single positive.
    """
    found = [
        best_threshold(column.astype(np.float64), truth.astype(bool), _f1) if truth.any() else None
        for column, truth in zip(probabilities.T, labels.T, strict=True)
    ]
    return np.array([DEFAULT_THRESHOLD if one is None else one for one in found])


def _f1(
    hits: npt.NDArray[np.float64], predicted: npt.NDArray[np.float64], positives: int
) -> npt.NDArray[np.float64]:
    return 2 * hits / (predicted + positives)
