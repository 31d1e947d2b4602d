"""The same threshold for every genre, whatever the data say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["DEFAULT_THRESHOLD", "fixed"]

DEFAULT_THRESHOLD = 0.5


def fixed(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """0.5 for every genre: the sigmoid's own midpoint, and where the paper's annealing starts.

    Args:
        probabilities: (n, genres); only their number of columns matters.
        labels: (n, genres); not looked at.

    Returns:
        (genres,) float64.
    """
    return np.full(probabilities.shape[1], DEFAULT_THRESHOLD)
