"""Thresholds of which no row's own label had a say in those it is judged by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genre_batch.thresholds.methods import Method

__all__ = ["cross_fitted", "halves"]


def halves(rows: int, seed: int) -> tuple[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], ...]:
    """Two random halves of so many rows, each once to be judged and once to fit on."""
    order = np.random.default_rng(seed).permutation(rows)
    return (order[::2], order[1::2]), (order[1::2], order[::2])


def cross_fitted(
    method: Method,
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    seed: int,
) -> npt.NDArray[np.float64]:
    """Each row's thresholds, found on the half of the rows that it is not in.

    Thresholds fitted to the rows they are judged on flatter the probabilities they were fitted to:
    each stands in the gap between two of them (two-fold cross-fitting, Chernozhukov et al. 2018,
    "Double/debiased machine learning", section 3, here of thresholds).

    Args:
        method: finds thresholds.
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        seed: draws the halves.

    Returns:
        (n, genres) float64.
    """
    thresholds = np.empty(labels.shape, dtype=np.float64)
    for judged, fitted in halves(len(labels), seed):
        thresholds[judged] = method(probabilities[fitted], labels[fitted])
    return thresholds
