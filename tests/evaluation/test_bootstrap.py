"""The bootstrap resamples whole films, and its intervals contain the estimate."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.evaluation.bootstrap import centered_interval, draw_resamples


def test_the_rows_themselves_come_first() -> None:
    first, *_ = draw_resamples(rows=7, resamples=3)
    assert first.tolist() == [[1.0] * 7]


@given(rows=st.integers(1, 40), resamples=st.integers(0, 250), seed=st.integers(0, 9))
def test_every_resample_has_as_many_rows_as_the_catalog(
    rows: int, resamples: int, seed: int
) -> None:
    weights = np.concatenate([*draw_resamples(rows, resamples, seed)])
    assert weights.shape == (resamples + 1, rows)
    assert (weights.sum(axis=1) == rows).all()


def test_more_resamples_begin_with_the_same_ones() -> None:
    few = np.concatenate([*draw_resamples(30, 130)])
    many = np.concatenate([*draw_resamples(30, 420)])
    np.testing.assert_array_equal(many[: len(few)], few)


def test_the_wordings_of_a_film_are_drawn_together() -> None:
    films = np.array([9, 4, 9, 9, 4, 1], dtype=np.uint64)
    for weights in draw_resamples(6, 200, films=films):
        np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
        np.testing.assert_array_equal(weights[:, 0], weights[:, 3])
        np.testing.assert_array_equal(weights[:, 1], weights[:, 4])
    # Three films are drawn, whatever their number of wordings.
    assert set((weights[:, 0] + weights[:, 1] + weights[:, 5]).tolist()) == {3.0}


def test_films_with_one_wording_each_are_rows() -> None:
    plain = np.concatenate([*draw_resamples(12, 50)])
    films = np.arange(12, dtype=np.uint64)
    np.testing.assert_array_equal(np.concatenate([*draw_resamples(12, 50, films=films)]), plain)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50), st.floats(-1, 1))
def test_the_interval_contains_the_estimate(samples: list[float], estimate: float) -> None:
    low, high = centered_interval(np.array(samples), estimate)
    assert low - 1e-12 <= estimate <= high + 1e-12


def test_biased_samples_give_the_interval_of_unbiased_ones() -> None:
    samples = np.linspace(0.2, 0.4, 401)
    low, high = centered_interval(samples - 0.1, 0.3)
    np.testing.assert_allclose([low, high], [0.205, 0.395])


def test_several_figures_have_an_interval_each() -> None:
    samples = np.column_stack([np.linspace(0, 1, 101), np.linspace(4, 6, 101)])
    low, high = centered_interval(samples, np.array([0.5, 5.0]))
    np.testing.assert_allclose(low, [0.025, 4.05])
    np.testing.assert_allclose(high, [0.975, 5.95])
