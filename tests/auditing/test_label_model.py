from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.auditing.label_model import LabelModel, Sample


@settings(max_examples=20)
@given(st.integers(1, 9000), st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_a_sample_does_not_depend_on_the_blocks(rows: int, sizes: list[int]) -> None:
    odds = np.arange(rows, dtype=np.float64)[:, None]
    labels = (odds % 2).astype(np.uint8)
    whole, parts = Sample(1000), Sample(1000)
    whole.add(odds, labels)
    start = 0
    while start < rows:
        size = sizes[start % len(sizes)]
        parts.add(odds[start : start + size], labels[start : start + size])
        start += size
    assert np.array_equal(whole.arrays()[0], parts.arrays()[0])
    assert np.array_equal(whole.arrays()[1], parts.arrays()[1])
    sampled = whole.arrays()[0][:, 0]
    assert len(sampled) <= 2000
    assert len(set(np.diff(sampled))) <= 1


def test_without_labels_to_learn_from_the_model_is_believed() -> None:
    odds = np.array([[3.0, -2.0]])
    labels = np.array([[1, 0]], dtype=np.uint8)
    fitted = LabelModel.fit(odds, labels)
    assert np.allclose(fitted.log_odds(odds, labels), odds, atol=2)


def test_a_genre_that_goes_with_another_is_more_probable_where_that_is() -> None:
    random = np.random.default_rng(0)
    first = (random.random(2000) < 0.3).astype(np.uint8)
    second = np.where(first == 1, random.random(2000) < 0.9, random.random(2000) < 0.1)
    labels = np.column_stack([first, second.astype(np.uint8)])
    odds = random.normal(0, 0.1, labels.shape)
    fitted = LabelModel.fit(odds, labels)
    probable = fitted.log_odds(odds, labels)[:, 1]
    assert probable[first == 1].min() > probable[first == 0].max() + 3


def test_what_every_row_lacks_stays_improbable() -> None:
    labels = np.zeros((500, 3), dtype=np.uint8)
    labels[:, 0] = 1
    odds = np.full((500, 3), -3.0)
    fitted = LabelModel.fit(odds, labels)
    assert (fitted.log_odds(odds, labels)[:, 1:] < -4).all()
    assert np.isfinite(fitted.prior).all()


def test_the_weights_of_a_genre_are_those_of_a_penalized_logistic_regression() -> None:
    random = np.random.default_rng(1)
    combinations = (random.random((40, 4)) < [0.1, 0.4, 0.2, 0.5]).astype(np.uint8)
    labels = combinations[random.integers(0, 40, 3000)]
    odds = np.where(labels == 1, 1.0, -1.0) + random.normal(0, 1.5, labels.shape)
    fitted = LabelModel.fit(odds, labels)
    errors = 1 / (1 + np.exp(-fitted.log_odds(odds, labels))) - labels
    # Where the penalized loss is smallest, its gradient is zero.
    shifts = errors.sum(axis=0) + 0.1 * fitted.shifts
    slopes = (errors * odds).sum(axis=0) + 0.5 * (fitted.slopes - 1)
    others = errors.T @ labels + 5 * fitted.others
    assert np.allclose(shifts, 0, atol=1e-5)
    assert np.allclose(slopes, 0, atol=1e-5)
    assert np.allclose(others[~np.eye(4, dtype=np.bool_)], 0, atol=1e-5)
    assert not fitted.others.diagonal().any()
