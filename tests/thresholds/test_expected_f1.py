"""F1 thresholds from calibrated probabilities, checked on simulated labels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds import expected_f1
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.expected_f1 import _calibration, _largest_expected_f1, f1_expected
from support.thresholds import Floats, Labels, f1


def _films(seed: int, films: int, middle: float) -> tuple[Floats, Floats, Labels]:
    """Draw (films,) log odds, their probabilities, and labels for which these are calibrated."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(middle, 1.5, films)
    probabilities = 1 / (1 + np.exp(-log_odds))
    return log_odds, probabilities, (random.random(films) < probabilities).astype(np.int64)


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=8))
def test_no_set_of_films_has_a_larger_expected_f1_than_the_best_threshold(
    calibrated: list[float],
) -> None:
    """The expected F1 of a set is a ratio of expectations."""
    every = itertools.chain.from_iterable(
        itertools.combinations(calibrated, size) for size in range(1, len(calibrated) + 1)
    )
    best = max(2 * sum(chosen) / (len(chosen) + sum(calibrated)) for chosen in every)
    assert _largest_expected_f1(np.array(calibrated)) == pytest.approx(best)


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (2, 1), (0.5, -1), (0.25, 2)])
def test_many_labels_recover_the_slope_and_the_shift(slope: float, shift: float) -> None:
    log_odds, _, truth = _films(0, 200_000, -1)
    fitted = _calibration((log_odds - shift) / slope, truth.astype(np.float64))
    np.testing.assert_allclose(fitted, (slope, shift), atol=0.05)


def test_thresholds_follow_probabilities_that_are_miscalibrated() -> None:
    """Predictions stay the same when all log odds are scaled and shifted."""
    log_odds, probabilities, truth = _films(1, 200_000, -2)
    shifted = 1 / (1 + np.exp(-(2 * log_odds + 1)))
    (threshold,) = f1_expected(probabilities[:, None], truth[:, None])
    (shifted_threshold,) = f1_expected(shifted[:, None], truth[:, None])
    assert (probabilities >= threshold).mean() == pytest.approx(
        (shifted >= shifted_threshold).mean(), abs=1e-3
    )


def test_on_many_films_it_is_as_good_as_the_exact_search() -> None:
    _, probabilities, truth = _films(2, 200_000, -2)
    scores = probabilities[:, None], truth[:, None]
    (exact,), (expected,) = f1_optimal(*scores), f1_expected(*scores)
    best = f1(probabilities >= exact, truth)
    assert f1(probabilities >= expected, truth) == pytest.approx(best, abs=1e-3)
    assert expected == pytest.approx(best / 2, abs=0.01)


def test_on_few_films_it_varies_less_than_the_exact_search() -> None:
    samples = [_films(seed, 300, -3.5) for seed in range(100)]
    thresholds = {
        method: np.array([method(p[:, None], y[:, None])[0] for _, p, y in samples if y.any()])
        for method in (f1_optimal, f1_expected)
    }
    assert thresholds[f1_expected].std() < thresholds[f1_optimal].std() / 2
    _, probabilities, truth = _films(1000, 200_000, -3.5)
    scores = {
        method: np.mean([f1(probabilities >= threshold, truth) for threshold in values])
        for method, values in thresholds.items()
    }
    assert scores[f1_expected] > scores[f1_optimal]


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
def test_constant_probabilities_give_a_threshold(constant: float) -> None:
    labels = np.array([[1], [0], [0], [0]])
    (threshold,) = f1_expected(np.full((4, 1), constant), labels)
    assert 0 <= threshold <= 1


@pytest.mark.parametrize("films", [1000, 1_000_000])
def test_probabilities_of_the_opposite_genre_give_a_threshold(
    monkeypatch: pytest.MonkeyPatch, films: int
) -> None:
    """Many films against the priors bring the slope near 0, and the log odds to overflow.

    Only the ratio of the priors' precisions to the number of films counts, so 1,000 films stand
    for any number.
    """
    for name in ("SLOPE_PRECISION", "SHIFT_PRECISION"):
        monkeypatch.setattr(expected_f1, name, getattr(expected_f1, name) * 1000 / films)
    _, probabilities, truth = _films(3, 1000, 0)
    (threshold,) = f1_expected(1 - probabilities[:, None], truth[:, None])
    assert 0 <= threshold <= 1
