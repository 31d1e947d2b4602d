"""Conditional thresholds, checked against brute force and on data with known dependencies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.conditional import conditional, f1_given
from genre_batch.thresholds.exact_f1 import f1_optimal
from support.thresholds import Floats, Labels, f1


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_two_thresholds_are_the_best_pair(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = np.round(random.random(12), int(random.integers(1, 4)))
    truth = random.random(12) < scores
    truth[0] = True
    other_predicted = random.random(12) < 0.4
    pair = f1_given(scores, truth, other_predicted)
    candidates = [*np.unique(scores).tolist(), np.inf]
    best = max(
        f1(scores >= np.where(other_predicted, inside, outside), truth)
        for outside, inside in itertools.product(candidates, candidates)
    )
    predicted = scores >= np.where(other_predicted, pair[1], pair[0])
    assert f1(predicted, truth) == pytest.approx(best)


def _films(rows: int) -> tuple[Floats, Labels]:
    """The best threshold of genre 1 depends on genre 0; genre 2 is independent of both."""
    random = np.random.default_rng(0)
    probabilities = random.random((rows, 3))
    labels = np.empty((rows, 3), dtype=np.int64)
    labels[:, 0] = probabilities[:, 0] > 0.5
    labels[:, 1] = probabilities[:, 1] > np.where(labels[:, 0] == 1, 0.2, 0.8)
    labels[:, 2] = probabilities[:, 2] > 0.6
    return probabilities, labels


def test_a_genre_is_conditioned_on_the_one_that_it_depends_on() -> None:
    probabilities, labels = _films(600)
    conditioned = conditional(probabilities, labels)
    assert conditioned.given[1] == 0
    assert conditioned.thresholds[:, 1] == pytest.approx([0.8, 0.2], abs=0.02)
    assert conditioned.given[2] == 2
    np.testing.assert_array_equal(conditioned.base, f1_optimal(probabilities, labels))
    predicted = conditioned.predict(probabilities)
    assert predicted.shape == labels.shape
    assert (predicted[:, 1] == (labels[:, 1] == 1)).mean() > 0.97
    np.testing.assert_array_equal(predicted[:, 2], probabilities[:, 2] >= conditioned.base[2])


def test_independent_genres_keep_one_threshold() -> None:
    random = np.random.default_rng(1)
    probabilities = random.random((600, 3))
    labels = (random.random((600, 3)) < probabilities).astype(np.int64)
    labels[:, 2] = 0
    conditioned = conditional(probabilities, labels)
    assert conditioned.given[2] == 2
    same = conditioned.given == np.arange(3)
    np.testing.assert_array_equal(conditioned.thresholds[0, same], conditioned.base[same])
    np.testing.assert_array_equal(conditioned.thresholds[1, same], conditioned.base[same])
    np.testing.assert_array_equal(
        conditioned.predict(probabilities)[:, same], (probabilities >= conditioned.base)[:, same]
    )
