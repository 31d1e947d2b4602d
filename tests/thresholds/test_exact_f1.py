"""The F1-optimal threshold is the best of all thresholds there are."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.methods import DEFAULT_THRESHOLD

Column = tuple[list[float], list[int]]
# A few coarse values make ties; the rest is any probability a model may give, 0 and 1 included.
PROBABILITY = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)
COLUMN = st.lists(st.tuples(PROBABILITY, st.integers(0, 1)), min_size=1, max_size=12).map(
    lambda pairs: ([score for score, _ in pairs], [truth for _, truth in pairs])
)


def _f1(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.bool_]) -> float:
    hits = int((truth.astype(bool) & predicted).sum())
    return 2 * hits / (int(truth.sum()) + int(predicted.sum()))


def _threshold(column: Column) -> float:
    scores, truth = column
    return float(f1_optimal(np.array([scores]).T, np.array([truth]).T)[0])


@settings(deadline=None)
@given(COLUMN)
def test_it_finds_the_largest_f1_of_all_cuts_and_then_predicts_the_fewest(column: Column) -> None:
    scores, truth = (np.array(values) for values in column)
    if not truth.any():
        assert _threshold(column) == DEFAULT_THRESHOLD
        return
    cuts = [scores >= score for score in scores]
    best = max(_f1(truth, cut) for cut in cuts)
    fewest = min(int(cut.sum()) for cut in cuts if _f1(truth, cut) == best)
    found = scores >= _threshold(column)
    assert (_f1(truth, found), int(found.sum())) == (best, fewest)


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
    cut = [(scores[:rows], truth[:rows]) for scores, truth in columns]
    together = f1_optimal(
        np.array([scores for scores, _ in cut]).T, np.array([truth for _, truth in cut]).T
    )
    assert together.tolist() == [_threshold(column) for column in cut]


@pytest.mark.parametrize(
    ("scores", "truth", "threshold"),
    [
        pytest.param([0.9, 0.6, 0.2], [1, 1, 0], 0.4, id="half-way between the classes"),
        pytest.param([0.2, 0.9, 0.6], [0, 1, 1], 0.4, id="in any order of the films"),
        pytest.param([0.8, 0.4, 0.4, 0.2], [1, 1, 0, 0], 0.3, id="equal ones stay together"),
        pytest.param([0.8, 0.5, 0.4], [1, 0, 1], 0.2, id="every film predicted"),
        # One of one and two of four are both an F1 of 2/3.
        pytest.param([0.9, 0.5, 0.4, 0.3], [1, 0, 0, 1], 0.7, id="of equals the fewest films"),
        pytest.param([0.5, 0.0], [1, 1], 0.0, id="a probability of nought can be predicted"),
        pytest.param([0.3, 0.7], [0, 0], 0.5, id="no positive"),
    ],
)
def test_the_threshold_of(scores: list[float], truth: list[int], threshold: float) -> None:
    assert _threshold((scores, truth)) == pytest.approx(threshold)


def test_neighbouring_floats_are_separated_too() -> None:
    low, middle, high = itertools.accumulate([0.75, 1, 1], lambda value, _: np.nextafter(value, 1))
    for above, below in ((high, middle), (middle, low)):
        assert below < _threshold(([above, below], [1, 0])) <= above


def test_float32_probabilities_keep_their_own_values() -> None:
    scores = np.array([[0.7], [0.2]], dtype=np.float32)
    threshold = f1_optimal(scores, np.array([[1], [0]]))
    assert threshold.dtype == np.float64
    assert (scores >= threshold).tolist() == [[True], [False]]
