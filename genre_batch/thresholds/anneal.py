"""The paper's own scheme: thresholds nudged by each mistake, pass after pass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["STEP", "annealed"]

STEP = 0.001


def annealed(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    *,
    passes: int,
    decay: bool = False,
) -> npt.NDArray[np.float64]:
    """Thresholds after so many passes over the rows, film by film in their order.

    Each genre starts at 0.5; a false positive raises its threshold by the step, a miss lowers it
    (Balete and Ducay 2024: 1, 5 or 10 passes with a step of 0.001, or 10
    with 0.001 / i in pass i). It balances the two kinds of mistakes rather than any F1: where it
    comes to rest, a genre is predicted as often as it is there. Kept to 0..1, which the paper does
    not say.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        passes: over the rows, at least 1.
        decay: divide the step by the number of the pass.

    Returns:
        (genres,) float64, 0..1.
    """
    thresholds = np.full(probabilities.shape[1], DEFAULT_THRESHOLD)
    truth = labels.astype(np.float64)
    for number in range(1, passes + 1):
        step = STEP / number if decay else STEP
        for row, there in zip(probabilities, truth, strict=True):
            # 1 for a false positive, -1 for a miss, 0 for a decision that was right.
            thresholds += step * ((row >= thresholds) - there)
    kept: npt.NDArray[np.float64] = np.clip(thresholds, 0.0, 1.0)
    return kept
