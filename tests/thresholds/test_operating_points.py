"""Operating points keep the precision, recall or score in their name, or switch a genre off."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.operating_points import (
    OPERATING_POINTS,
    at_cost,
    at_precision,
    at_recall,
    combined,
    measure_point,
    score_optimal,
)
from support.thresholds import Case


def _column(seed: int) -> Case:
    """Draw (12, 1) coarse probabilities, which have ties, and labels with a positive."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (12, 1))
    labels[0] = 1
    return random.integers(1, 9, (12, 1)) / 10, labels


COLUMNS = st.integers(0, 2**32 - 1).map(_column)


def _counts_of_all(column: Case) -> list[tuple[int, int, int]]:
    """Count (hits, predicted, positives) at every possible threshold."""
    return [_counts(column, threshold) for threshold in np.unique(column[0]).tolist()]


def _counts(column: Case, threshold: float) -> tuple[int, int, int]:
    scores, truth = column
    passed = scores >= threshold
    return int((truth[passed] == 1).sum()), int(passed.sum()), int(truth.sum())


@settings(deadline=None)
@given(COLUMNS, st.sampled_from([0.5, 0.75, 0.9, 1.0]))
def test_a_precision_is_kept_with_the_most_hits(column: Case, precision: float) -> None:
    threshold = float(at_precision(*column, precision=precision)[0])
    good = [counts for counts in _counts_of_all(column) if counts[0] >= precision * counts[1]]
    if not good:
        assert threshold == np.inf
        return
    hits, predicted, _ = _counts(column, threshold)
    assert hits >= precision * predicted
    assert hits == max(counts[0] for counts in good)


@settings(deadline=None)
@given(COLUMNS, st.sampled_from([0.5, 0.9, 1.0]))
def test_a_recall_is_kept_with_the_fewest_predictions(column: Case, recall: float) -> None:
    hits, predicted, positives = _counts(column, float(at_recall(*column, recall=recall)[0]))
    good = [counts for counts in _counts_of_all(column) if counts[0] >= recall * positives]
    assert hits >= recall * positives
    assert predicted == min(counts[1] for counts in good)


@settings(deadline=None)
@given(COLUMNS)
def test_the_paper_s_score_is_maximal(column: Case) -> None:
    def score(counts: tuple[int, int, int]) -> int:
        hits, predicted, positives = counts
        return 3 * hits + (12 - positives) - (predicted - hits)

    nothing = (0, 0, int(column[1].sum()))
    best = max(score(counts) for counts in [*_counts_of_all(column), nothing])
    assert score(_counts(column, float(score_optimal(*column)[0]))) == best


@pytest.mark.parametrize("name", sorted({*OPERATING_POINTS} - {"f1", "balanced"}))
def test_a_genre_without_a_positive_is_off(name: str) -> None:
    probabilities, labels = np.full((30, 2), 0.4), np.zeros((30, 2), dtype=int)
    labels[:, 0] = 1
    assert np.isinf(OPERATING_POINTS[name](probabilities, labels)).tolist() == [False, True]


def test_precision_and_recall_are_measured_on_films_the_thresholds_were_not_fitted_on() -> None:
    """With random labels any precision can be fitted, but none of it holds on other films."""
    random = np.random.default_rng(0)
    probabilities = random.random((400, 3))
    labels = (random.random((400, 3)) < 0.3).astype(int)
    measured = measure_point(partial(at_precision, precision=0.9), probabilities, labels)
    assert measured.precision < 0.6
    predictable = (random.random((400, 3)) < probabilities**8).astype(int)
    assert measure_point(f1_optimal, probabilities, predictable).precision > 0.5


@settings(deadline=None)
@given(COLUMNS, st.sampled_from([(1.0, 1.0), (1.0, 5.0), (3.0, 1.0), (0.5, 0.25)]))
def test_the_cost_of_wrong_decisions_is_minimal(column: Case, costs: tuple[float, float]) -> None:
    def cost(counts: tuple[int, int, int]) -> float:
        hits, predicted, positives = counts
        return costs[0] * (predicted - hits) + costs[1] * (positives - hits)

    nothing = (0, 0, int(column[1].sum()))
    best = min(cost(counts) for counts in [*_counts_of_all(column), nothing])
    threshold = at_cost(*column, false_positive=costs[0], false_negative=costs[1])[0]
    assert cost(_counts(column, float(threshold))) == pytest.approx(best)


def test_a_recall_that_is_no_exact_number_of_films_is_not_missed_by_rounding() -> None:
    """0.55 x 20 is 11.000000000000002."""
    scores = np.linspace(0.99, 0.01, 40)[:, None]
    labels = (np.arange(40) < 20).astype(int)[:, None]
    (threshold,) = at_recall(scores, labels, recall=0.55)
    assert int((scores >= threshold).sum()) == 11


def test_some_genres_may_have_a_target_of_their_own() -> None:
    random = np.random.default_rng(0)
    scores = random.random((200, 3))
    labels = (random.random((200, 3)) < scores).astype(int)
    method = combined(f1_optimal, {1: partial(at_recall, recall=0.99)})
    thresholds, exact = method(scores, labels), f1_optimal(scores, labels)
    assert thresholds[[0, 2]].tolist() == exact[[0, 2]].tolist()
    hits = ((scores >= thresholds) & (labels == 1))[:, 1].sum()
    assert hits >= 0.99 * labels[:, 1].sum()
