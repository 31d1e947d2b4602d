"""Thresholds that look at another genre, against brute force and on a case made for them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.conditional import conditional, f1_given
from genre_batch.thresholds.exact_f1 import f1_optimal


def _f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    return 2 * int((predicted & truth).sum()) / (int(predicted.sum()) + int(truth.sum()))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_two_thresholds_are_the_best_two_there_are(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = np.round(random.random(12), int(random.integers(1, 4)))
    truth = random.random(12) < scores
    truth[0] = True
    there = random.random(12) < 0.4
    found = f1_given(scores, truth, there)
    cuts = [*np.unique(scores).tolist(), np.inf]
    best = max(
        _f1(scores >= np.where(there, inside, outside), truth)
        for outside, inside in itertools.product(cuts, cuts)
    )
    assert _f1(scores >= np.where(there, found[1], found[0]), truth) == pytest.approx(best)


def _films(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Genre 1's probability means another thing where genre 0 is there; genre 2 knows nobody."""
    random = np.random.default_rng(0)
    probabilities = random.random((rows, 3))
    labels = np.empty((rows, 3), dtype=np.int64)
    labels[:, 0] = probabilities[:, 0] > 0.5
    labels[:, 1] = probabilities[:, 1] > np.where(labels[:, 0] == 1, 0.2, 0.8)
    labels[:, 2] = probabilities[:, 2] > 0.6
    return probabilities, labels


def test_a_genre_looks_at_the_one_that_tells_it_something() -> None:
    probabilities, labels = _films(600)
    found = conditional(probabilities, labels)
    assert found.given[1] == 0
    assert found.thresholds[:, 1] == pytest.approx([0.8, 0.2], abs=0.02)
    assert found.given[2] == 2
    np.testing.assert_array_equal(found.base, f1_optimal(probabilities, labels))
    predicted = found.predict(probabilities)
    assert predicted.shape == labels.shape
    assert (predicted[:, 1] == (labels[:, 1] == 1)).mean() > 0.97
    np.testing.assert_array_equal(predicted[:, 2], probabilities[:, 2] >= found.base[2])


def test_genres_that_know_nothing_of_each_other_keep_one_threshold() -> None:
    random = np.random.default_rng(1)
    probabilities = random.random((600, 3))
    labels = (random.random((600, 3)) < probabilities).astype(np.int64)
    labels[:, 2] = 0
    found = conditional(probabilities, labels)
    assert found.given[2] == 2
    same = found.given == np.arange(3)
    np.testing.assert_array_equal(found.thresholds[0, same], found.base[same])
    np.testing.assert_array_equal(found.thresholds[1, same], found.base[same])
    np.testing.assert_array_equal(
        found.predict(probabilities)[:, same], (probabilities >= found.base)[:, same]
    )
