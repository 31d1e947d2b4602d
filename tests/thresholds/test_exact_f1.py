"""The F1-optimal threshold, checked against every possible threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.methods import DEFAULT_THRESHOLD
from support.thresholds import f1

Column = tuple[list[float], list[int]]
# A few coarse values make ties; the rest is any probability a model may give, 0 and 1 included.
PROBABILITY = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)
COLUMN = st.lists(st.tuples(PROBABILITY, st.integers(0, 1)), min_size=1, max_size=12).map(
    lambda pairs: ([score for score, _ in pairs], [truth for _, truth in pairs])
)


def _threshold(column: Column) -> float:
    scores, truth = column
    return float(f1_optimal(np.array([scores]).T, np.array([truth]).T)[0])


@settings(deadline=None)
@given(COLUMN)
def test_it_finds_the_largest_f1_of_all_thresholds_with_the_fewest_predictions(
    column: Column,
) -> None:
    scores, truth = (np.array(values) for values in column)
    if not truth.any():
        assert _threshold(column) == DEFAULT_THRESHOLD
        return
    candidates = [scores >= score for score in scores]
    best = max(f1(predicted, truth) for predicted in candidates)
    fewest = min(int(p.sum()) for p in candidates if f1(p, truth) == best)
    predicted = scores >= _threshold(column)
    assert (f1(predicted, truth), int(predicted.sum())) == (best, fewest)


@settings(deadline=None)
@given(COLUMN)
def test_the_threshold_lies_between_the_two_probabilities_it_separates(column: Column) -> None:
    scores, threshold = column[0], _threshold(column)
    if any(column[1]):
        passed = min(score for score in scores if score >= threshold)
        failed = max((score for score in scores if score < threshold), default=0.0)
        assert failed <= threshold <= passed
        assert threshold == pytest.approx((failed + passed) / 2)


@settings(deadline=None)
@given(st.lists(COLUMN, min_size=1, max_size=4))
def test_each_genre_s_threshold_depends_on_its_own_column_alone(columns: list[Column]) -> None:
    rows = min(len(scores) for scores, _ in columns)
    equally_long = [(scores[:rows], truth[:rows]) for scores, truth in columns]
    together = f1_optimal(
        np.array([scores for scores, _ in equally_long]).T,
        np.array([truth for _, truth in equally_long]).T,
    )
    assert together.tolist() == [_threshold(column) for column in equally_long]


@pytest.mark.parametrize(
    ("scores", "truth", "threshold"),
    [
        pytest.param([0.9, 0.6, 0.2], [1, 1, 0], 0.4, id="midpoint between the classes"),
        pytest.param([0.2, 0.9, 0.6], [0, 1, 1], 0.4, id="any order of the films"),
        pytest.param([0.8, 0.4, 0.4, 0.2], [1, 1, 0, 0], 0.3, id="equal ones stay together"),
        pytest.param([0.8, 0.5, 0.4], [1, 0, 1], 0.2, id="every film predicted"),
        # One of one and two of four are both an F1 of 2/3.
        pytest.param([0.9, 0.5, 0.4, 0.3], [1, 0, 0, 1], 0.7, id="fewest films of equals"),
        pytest.param([0.5, 0.0], [1, 1], 0.0, id="a probability of zero can be predicted"),
        pytest.param([0.3, 0.7], [0, 0], 0.5, id="no positive"),
    ],
)
def test_the_threshold_of(scores: list[float], truth: list[int], threshold: float) -> None:
    assert _threshold((scores, truth)) == pytest.approx(threshold)


def test_float32_probabilities_keep_their_own_values() -> None:
    scores = np.array([[0.7], [0.2]], dtype=np.float32)
    threshold = f1_optimal(scores, np.array([[1], [0]]))
    assert threshold.dtype == np.float64
    assert (scores >= threshold).tolist() == [[True], [False]]
