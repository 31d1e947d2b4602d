"""The threshold sweep where no threshold, or only one, separates the probabilities."""

from __future__ import annotations

import itertools

import numpy as np

from genre_batch.thresholds.arrays import Floats
from genre_batch.thresholds.sweep import best_threshold, best_thresholds


def _nothing(hits: Floats, predicted: Floats, positives: int) -> Floats:
    return np.full(len(hits), -np.inf)


def _precision(hits: Floats, predicted: Floats, positives: int) -> Floats:
    return hits / predicted


def test_without_an_acceptable_threshold_there_is_none() -> None:
    assert best_threshold(np.array([0.4, 0.6]), np.array([True, False]), _nothing) is None


def test_a_genre_without_a_positive_or_an_acceptable_threshold_gets_the_default() -> None:
    probabilities, labels = np.array([[0.4, 0.2], [0.6, 0.8]]), np.array([[1, 0], [0, 0]])
    assert best_thresholds(probabilities, labels, _nothing, np.inf).tolist() == [np.inf, np.inf]
    assert best_thresholds(probabilities, labels, _precision, 0.7)[1] == 0.7


def test_adjacent_floats_are_separated_too() -> None:
    low, middle, high = itertools.accumulate([0.75, 1, 1], lambda value, _: np.nextafter(value, 1))
    for above, below in ((high, middle), (middle, low)):
        scores = np.array([above, below])
        threshold = best_threshold(scores, np.array([True, False]), _precision)
        assert threshold is not None
        assert below < threshold <= above
