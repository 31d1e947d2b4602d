"""Metrics by genre and by film, checked by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, matthews_corrcoef

from genre_batch.evaluation.per_genre import (
    exact_match,
    genre_scores,
    samples_f1,
    shared_thresholds,
)

NAMES = ("Drama", "War")


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_each_genre_s_figures_are_those_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (30, 2))
    labels[0] = [0, 1]
    labels[1] = [1, 0]
    probabilities = random.random((30, 2)).round(1)
    thresholds = np.array([0.3, 0.7])
    for at, one in enumerate(genre_scores(labels, probabilities, thresholds, NAMES)):
        truth, guess = labels[:, at], probabilities[:, at] >= thresholds[at]
        assert one.genre == NAMES[at]
        assert one.tp + one.fp + one.fn + one.tn == 30
        assert one.films == truth.sum()
        assert one.f1 == pytest.approx(f1_score(truth, guess))
        assert one.average_precision == pytest.approx(
            average_precision_score(truth, probabilities[:, at])
        )
        if one.mcc is not None:
            assert one.mcc == pytest.approx(matthews_corrcoef(truth, guess))
        if one.precision is not None:
            assert one.precision == pytest.approx(one.tp / guess.sum())
        assert one.recall == pytest.approx(one.tp / truth.sum())


def test_an_undefined_metric_is_none() -> None:
    labels = np.zeros((4, 2), dtype=int)
    one, _ = genre_scores(labels, np.zeros((4, 2)), np.array([0.5, np.inf]), NAMES)
    assert (one.precision, one.recall, one.average_precision, one.mcc) == (None,) * 4
    assert one.f1 == 0.0
    off = genre_scores(labels, np.ones((4, 2)), np.array([0.5, np.inf]), NAMES)[1]
    assert (off.threshold, off.fp) == (None, 0)


def test_thresholds_may_differ_between_films() -> None:
    labels = np.array([[1, 1], [0, 1], [0, 1]])
    thresholds = np.array([[0.2, 0.5], [0.8, 0.5], [np.inf, 0.5]])
    drama, war = genre_scores(labels, np.full((3, 2), 0.5), thresholds, NAMES)
    assert (drama.tp, drama.fp, drama.fn, drama.tn, drama.threshold) == (1, 0, 0, 2, None)
    assert (war.tp, war.threshold) == (3, 0.5)


def test_a_threshold_is_shared_if_all_films_have_it() -> None:
    rows = np.array([[0.2, 0.5, np.inf], [0.8, 0.5, np.inf]])
    np.testing.assert_array_equal(shared_thresholds(rows), [np.nan, 0.5, np.inf])
    np.testing.assert_array_equal(shared_thresholds(rows[0]), rows[0])


def test_samples_f1_weights_each_film_equally() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 0], [0, 0]])
    predicted = np.array([[1, 0], [1, 0], [0, 0], [1, 0]])
    assert samples_f1(labels, predicted) == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)
    assert exact_match(labels, predicted) == 0.5
