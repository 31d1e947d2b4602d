"""F1 thresholds from calibrated probabilities instead of from the labels of single rows."""

from __future__ import annotations

import numpy as np

from genre_batch.odds import log_odds, sigmoid
from genre_batch.thresholds.arrays import Bools, Floats, Labels, Probabilities
from genre_batch.thresholds.calibration import calibrate
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.fixed import DEFAULT_THRESHOLD

__all__ = ["f1_expected"]


def f1_expected(probabilities: Probabilities, labels: Labels) -> Floats:
    """Find the threshold of each genre with the largest F1 that calibrated probabilities expect.

    With a few hundred positives, the labels of a few films move the threshold with the largest F1.
    Here the labels determine only two numbers per genre, a slope and a shift of the log odds (Platt
    1999, "Probabilistic Outputs for Support Vector Machines"), with priors that are learned from
    all genres (`calibrate`). The calibrated probabilities q give the expected F1 of each threshold,
    2 * (sum of q above it) / (rows above it + sum of all q), as in Ye, Chai, Lee and Chieu 2012,
    "Optimizing F-measure: A Tale of Two Approaches". The best threshold is half of the largest
    expected F1 (Lipton, Elkan and Narayanaswamy 2014, "Optimal Thresholding of Classifiers to
    Maximize F1 Measure"), mapped back to the scale of the given probabilities.

    A genre whose positives all rank above its negatives has no finite slope: it gets the exact
    threshold of `f1_optimal`, in the middle of the gap.

    Args:
        probabilities: (n, genres), 0..1.
        labels: (n, genres), 0 or 1.

    Returns:
        (genres,) float64; 0.5 for a genre without a positive.
    """
    thresholds = np.full(probabilities.shape[1], DEFAULT_THRESHOLD)
    has_positives = np.flatnonzero(labels.any(axis=0))
    if not len(has_positives):
        return thresholds
    scores, truth = probabilities[:, has_positives], labels[:, has_positives]
    odds = log_odds(scores)
    slopes, shifts = calibrate(odds, truth)
    half = _largest_expected_f1(sigmoid(slopes * odds + shifts)) / 2
    expected = sigmoid((np.log(half / (1 - half)) - shifts) / slopes)
    separable = _separable(scores, truth)
    expected[separable] = f1_optimal(scores[:, separable], truth[:, separable])
    thresholds[has_positives] = expected
    return thresholds


def _separable(probabilities: Probabilities, labels: Labels) -> Bools:
    """Return for each genre whether its lowest positive is above its highest negative."""
    lowest = np.where(labels == 1, probabilities, np.inf).min(axis=0)
    separable: Bools = lowest > np.where(labels == 1, -np.inf, probabilities).max(axis=0)
    return separable


def _largest_expected_f1(calibrated: Floats) -> Floats:
    """Return the largest expected F1 of all thresholds, by genre.

    Args:
        calibrated: (n, genres) calibrated probabilities.
    """
    hits = np.cumsum(-np.sort(-calibrated, axis=0), axis=0)
    predicted = np.arange(1, len(calibrated) + 1)[:, None]
    best: Floats = (2 * hits / (predicted + hits[-1])).max(axis=0)
    return best
