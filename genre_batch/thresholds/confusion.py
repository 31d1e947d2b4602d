"""Confusion counts of each genre at each threshold of a grid, and F1 from predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genre_batch.thresholds.arrays import Bools, Floats, Labels, Probabilities

__all__ = ["GRID", "Counts", "count_on_grid", "f1_per_genre"]

GRID = np.arange(1, 100) / 100
"""(99,) float64: 0.01, 0.02 ... 0.99."""


@dataclass(frozen=True)
class Counts:
    """Confusion counts, (genres, thresholds) float64 each.

    Attributes:
        tp, fp, fn, tn: true positives, false positives, false negatives, true negatives.
    """

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    def f1(self) -> Floats:
        """Compute F1, (genres, thresholds); 0 without any positive and any prediction."""
        return 2 * self.tp / np.maximum(1, 2 * self.tp + self.fp + self.fn)

    def mcc(self) -> Floats:
        """Compute the Matthews correlation, (genres, thresholds); 0 where it is undefined.

        Matthews 1975, "Comparison of the predicted and observed secondary structure of T4 phage
        lysozyme".
        """
        sides = (
            (self.tp + self.fp) * (self.tp + self.fn) * (self.tn + self.fp) * (self.tn + self.fn)
        )
        product = self.tp * self.tn - self.fp * self.fn
        return np.divide(product, np.sqrt(sides), out=np.zeros_like(product), where=sides > 0)


def count_on_grid(probabilities: Probabilities, labels: Labels, grid: Floats = GRID) -> Counts:
    """Count the right and wrong decisions of each genre at each threshold.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.
        grid: (thresholds,) ascending.
    """
    tp, fp = (np.empty((probabilities.shape[1], len(grid))) for _ in range(2))
    for genre, (column, truth) in enumerate(zip(probabilities.T, labels.T, strict=True)):
        for counts, scores in ((tp, column[truth == 1]), (fp, column[truth == 0])):
            ordered = np.sort(scores.astype(np.float64))
            counts[genre] = len(ordered) - np.searchsorted(ordered, grid, side="left")
    positives = labels.sum(axis=0, dtype=np.float64)[:, None]
    return Counts(tp, fp, positives - tp, len(labels) - positives - fp)


def f1_per_genre(labels: Labels | Bools, predicted: Bools) -> Floats:
    """Compute F1 over the rows, separately for each genre.

    Args:
        labels: (n, genres), 0 or 1.
        predicted: (n, genres).

    Returns:
        (genres,) float64; 0 without any positive and any prediction.
    """
    hits = (predicted & (labels == 1)).sum(axis=0)
    f1: Floats = 2 * hits / np.maximum(1, predicted.sum(axis=0) + labels.sum(axis=0))
    return f1
