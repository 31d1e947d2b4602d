"""How many decisions each threshold of a grid would get right and wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["GRID", "Counts", "count_on_grid"]

GRID = np.arange(1, 100) / 100
"""(99,) float64: 0.01, 0.02 ... 0.99."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """(genres, thresholds) float64 each: true and false positives, false and true negatives."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    def f1(self) -> Floats:
        """(genres, thresholds) F1; 0 where nothing is there and nothing predicted."""
        return 2 * self.tp / np.maximum(1, 2 * self.tp + self.fp + self.fn)

    def mcc(self) -> Floats:
        """(genres, thresholds) Matthews correlation coefficient; 0 where it is not defined.

        Matthews 1975, "Comparison of the predicted and observed secondary structure of T4 phage
        lysozyme".
        """
        sides = (
            (self.tp + self.fp) * (self.tp + self.fn) * (self.tn + self.fp) * (self.tn + self.fn)
        )
        product = self.tp * self.tn - self.fp * self.fn
        return np.divide(product, np.sqrt(sides), out=np.zeros_like(product), where=sides > 0)


def count_on_grid(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    grid: Floats = GRID,
) -> Counts:
    """Counts each genre's decisions at each threshold.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        grid: (thresholds,) ascending.
    """
    tp, fp = (np.empty((probabilities.shape[1], len(grid))) for _ in range(2))
    for genre, (column, truth) in enumerate(zip(probabilities.T, labels.T, strict=True)):
        for into, scores in ((tp, column[truth == 1]), (fp, column[truth == 0])):
            ordered = np.sort(scores.astype(np.float64))
            into[genre] = len(ordered) - np.searchsorted(ordered, grid, side="left")
    positives = labels.sum(axis=0, dtype=np.float64)[:, None]
    return Counts(tp, fp, positives - tp, len(labels) - positives - fp)
