"""The threshold annealing of the paper: each wrong decision moves its genre's threshold a step."""

from __future__ import annotations

import numpy as np

from genre_batch.thresholds.arrays import Floats, Labels, Probabilities
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["STEP", "anneal"]

STEP = 0.001


def anneal(
    probabilities: Probabilities, labels: Labels, *, passes: int, decay: bool = False
) -> Floats:
    """Anneal one threshold per genre, row by row in the given order.

    Every threshold starts at 0.5. A false positive raises it by one step, a false negative lowers
    it by one (Balete and Ducay 2024: 1, 5 or 10 passes with a step of 0.001, or 10 passes with a
    step of 0.001 / i in pass i). This balances false positives against false negatives and
    maximizes no F1: at its fixed point a genre is predicted as often as it occurs. The result is
    clipped to 0..1, which the paper does not mention.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        passes: the number of passes over the rows, 1 or more.
        decay: divide the step by the number of the pass.

    Returns:
        (genres,) float64, 0..1.
    """
    thresholds = np.full(probabilities.shape[1], DEFAULT_THRESHOLD)
    truth = labels.astype(np.float64)
    for number in range(1, passes + 1):
        step = STEP / number if decay else STEP
        for row, row_truth in zip(probabilities, truth, strict=True):
            # 1 for a false positive, -1 for a false negative, 0 for a right decision.
            thresholds += step * ((row >= thresholds) - row_truth)
    clipped: Floats = np.clip(thresholds, 0.0, 1.0)
    return clipped
