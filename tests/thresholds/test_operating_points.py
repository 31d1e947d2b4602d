"""Operating points keep what they are named after, or switch a genre off."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.operating_points import (
    OPERATING_POINTS,
    at_precision,
    at_recall,
    measure_point,
    score_optimal,
)
from genre_batch.thresholds.sweep import best_threshold

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def _column(seed: int) -> tuple[Floats, Labels]:
    """(12, 1) coarse probabilities, so that there are ties, and labels with a positive."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (12, 1))
    labels[0] = 1
    return random.integers(1, 9, (12, 1)) / 10, labels


COLUMNS = st.integers(0, 2**32 - 1).map(_column)


def _cuts(column: tuple[Floats, Labels]) -> list[tuple[int, int, int]]:
    """(hits, predicted, positives) of every threshold there is."""
    scores, truth = column
    return [
        (int((truth[scores >= cut] == 1).sum()), int((scores >= cut).sum()), int(truth.sum()))
        for cut in np.unique(scores)
    ]


def _decided(column: tuple[Floats, Labels], threshold: float) -> tuple[int, int, int]:
    scores, truth = column
    passed = scores >= threshold
    return int((truth[passed] == 1).sum()), int(passed.sum()), int(truth.sum())


@settings(deadline=None)
@given(COLUMNS, st.sampled_from([0.5, 0.75, 0.9, 1.0]))
def test_a_precision_is_kept_with_as_many_hits_as_can_be_had(
    column: tuple[Floats, Labels], precision: float
) -> None:
    threshold = float(at_precision(*column, precision=precision)[0])
    good = [cut for cut in _cuts(column) if cut[0] >= precision * cut[1]]
    if not good:
        assert threshold == np.inf
        return
    hits, predicted, _ = _decided(column, threshold)
    assert hits >= precision * predicted
    assert hits == max(cut[0] for cut in good)


@settings(deadline=None)
@given(COLUMNS, st.sampled_from([0.5, 0.9, 1.0]))
def test_a_recall_is_kept_with_as_few_predictions_as_can_be(
    column: tuple[Floats, Labels], recall: float
) -> None:
    hits, predicted, positives = _decided(column, float(at_recall(*column, recall=recall)[0]))
    good = [cut for cut in _cuts(column) if cut[0] >= recall * positives]
    assert hits >= recall * positives
    assert predicted == min(cut[1] for cut in good)


@settings(deadline=None)
@given(COLUMNS)
def test_the_paper_s_score_is_the_largest_there_is(column: tuple[Floats, Labels]) -> None:
    def score(cut: tuple[int, int, int]) -> int:
        hits, predicted, positives = cut
        return 3 * hits + (12 - positives) - (predicted - hits)

    found = score(_decided(column, float(score_optimal(*column)[0])))
    assert found == max(score(cut) for cut in [*_cuts(column), (0, 0, int(column[1].sum()))])


@pytest.mark.parametrize("name", set(OPERATING_POINTS) - {"f1", "balanced"})
def test_a_genre_without_a_positive_is_off(name: str) -> None:
    probabilities, labels = np.full((30, 2), 0.4), np.zeros((30, 2), dtype=int)
    labels[:, 0] = 1
    assert np.isinf(OPERATING_POINTS[name](probabilities, labels)).tolist() == [False, True]


def test_a_cut_that_will_not_do_is_none() -> None:
    nothing = best_threshold(
        np.array([0.4, 0.6]),
        np.array([True, False]),
        lambda hits, predicted, positives: np.full(2, -np.inf),
    )
    assert nothing is None


def test_what_is_measured_is_of_films_without_a_say() -> None:
    """Random labels: fitted to themselves any precision can be had, on other films it cannot."""
    random = np.random.default_rng(0)
    probabilities = random.random((400, 3))
    labels = (random.random((400, 3)) < 0.3).astype(int)
    measured = measure_point(partial(at_precision, precision=0.9), probabilities, labels)
    assert measured.precision < 0.6
    sound = (random.random((400, 3)) < probabilities**8).astype(int)
    assert measure_point(f1_optimal, probabilities, sound).precision > 0.5
