"""Cross-fitted thresholds: each row is scored with thresholds fitted on the other half."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.arrays import Floats, Labels, Method, Probabilities

__all__ = ["cross_fitted", "halves"]

Indices = npt.NDArray[np.int64]


def halves(rows: int, seed: int) -> tuple[tuple[Indices, Indices], tuple[Indices, Indices]]:
    """Draw two random halves of the row numbers.

    Returns:
        Two pairs (scored, fitted); each half is scored in one pair and fitted in the other.
    """
    order = np.random.default_rng(seed).permutation(rows)
    return (order[1::2], order[::2]), (order[::2], order[1::2])


def cross_fitted(method: Method, probabilities: Probabilities, labels: Labels, seed: int) -> Floats:
    """Find the thresholds of each row on the half of the rows that does not contain it.

    Thresholds evaluated on the rows that they were fitted on give optimistic scores. This is the
    two-fold cross-fitting of Chernozhukov et al. 2018, "Double/debiased machine learning",
    section 3, applied to thresholds.

    Args:
        method: finds the thresholds.
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        seed: determines the halves.

    Returns:
        (n, genres) float64.
    """
    thresholds = np.empty(labels.shape, dtype=np.float64)
    for scored, fitted in halves(len(labels), seed):
        thresholds[scored] = method(probabilities[fitted], labels[fitted])
    return thresholds
