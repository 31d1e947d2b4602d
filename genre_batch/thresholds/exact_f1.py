"""The threshold of each genre with the largest F1, exactly."""

from __future__ import annotations

from genre_batch.thresholds.arrays import Floats, Labels, Probabilities
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD
from genre_batch.thresholds.sweep import best_thresholds

__all__ = ["f1_optimal"]


def f1_optimal(probabilities: Probabilities, labels: Labels) -> Floats:
    """Find the threshold of each genre with the largest F1.

    F1 changes only where the threshold passes a probability, so a sweep over the n sorted
    probabilities is exact (Lipton, Elkan and Narayanaswamy 2014, "Optimal Thresholding of
    Classifiers to Maximize F1 Measure", section 4). Macro-F1 is the mean of the genres' F1, so
    it is maximal too. Of equally good thresholds, the one that predicts fewest rows is returned:
    the midpoint between the two probabilities that it separates.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a positive.
    """
    return best_thresholds(probabilities, labels, _f1, DEFAULT_THRESHOLD)


def _f1(hits: Floats, predicted: Floats, positives: int) -> Floats:
    return 2 * hits / (predicted + positives)
