"""F1 thresholds from calibrated probabilities: what labels settle, and what they do not."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.expected_f1 import _calibration, _largest_expected_f1, f1_expected

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def _films(seed: int, films: int, middle: float) -> tuple[Floats, Floats, Labels]:
    """(films,) log odds, their probabilities and labels that these promise rightly."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(middle, 1.5, films)
    probabilities = 1 / (1 + np.exp(-log_odds))
    return log_odds, probabilities, (random.random(films) < probabilities).astype(np.int64)


def _f1(predicted: npt.NDArray[np.bool_], truth: Labels) -> float:
    return float(2 * (predicted & (truth == 1)).sum() / (predicted.sum() + truth.sum()))


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=8))
def test_no_set_of_films_promises_a_larger_f1_than_the_best_cut(promised: list[float]) -> None:
    """The promised F1 of a set, as a ratio of expectations."""
    every = itertools.chain.from_iterable(
        itertools.combinations(promised, size) for size in range(1, len(promised) + 1)
    )
    best = max(2 * sum(chosen) / (len(chosen) + sum(promised)) for chosen in every)
    assert _largest_expected_f1(np.array(promised)) == pytest.approx(best)


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (2, 1), (0.5, -1), (0.25, 2)])
def test_many_labels_find_out_what_was_done_to_the_probabilities(
    slope: float, shift: float
) -> None:
    log_odds, _, truth = _films(0, 200_000, -1)
    found = _calibration((log_odds - shift) / slope, truth.astype(np.float64))
    np.testing.assert_allclose(found, (slope, shift), atol=0.05)


def test_thresholds_follow_probabilities_that_are_off() -> None:
    """What is predicted stays the same when all log odds are stretched and moved."""
    log_odds, probabilities, truth = _films(1, 200_000, -2)
    off = 1 / (1 + np.exp(-(2 * log_odds + 1)))
    (of_right,) = f1_expected(probabilities[:, None], truth[:, None])
    (of_off,) = f1_expected(off[:, None], truth[:, None])
    assert (probabilities >= of_right).mean() == pytest.approx((off >= of_off).mean(), abs=1e-3)


def test_on_many_films_it_is_as_good_as_the_exact_search() -> None:
    _, probabilities, truth = _films(2, 200_000, -2)
    scores = probabilities[:, None], truth[:, None]
    (exact,), (expected,) = f1_optimal(*scores), f1_expected(*scores)
    best = _f1(probabilities >= exact, truth)
    assert _f1(probabilities >= expected, truth) == pytest.approx(best, abs=1e-3)
    assert expected == pytest.approx(best / 2, abs=0.01)


def test_on_few_films_chance_moves_it_less_than_the_exact_search() -> None:
    samples = [_films(seed, 300, -3.5) for seed in range(100)]
    found = {
        method: np.array([method(p[:, None], y[:, None])[0] for _, p, y in samples if y.any()])
        for method in (f1_optimal, f1_expected)
    }
    assert found[f1_expected].std() < found[f1_optimal].std() / 2
    _, probabilities, truth = _films(1000, 200_000, -3.5)
    kept = {
        method: np.mean([_f1(probabilities >= threshold, truth) for threshold in thresholds])
        for method, thresholds in found.items()
    }
    assert kept[f1_expected] > kept[f1_optimal]


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
def test_probabilities_that_say_nothing_are_no_trouble(constant: float) -> None:
    labels = np.array([[1], [0], [0], [0]])
    (threshold,) = f1_expected(np.full((4, 1), constant), labels)
    assert 0 <= threshold <= 1


@pytest.mark.parametrize("films", [1000, 1_000_000])
def test_probabilities_that_say_the_opposite_are_no_trouble(films: int) -> None:
    _, probabilities, truth = _films(3, films, 0)
    (threshold,) = f1_expected(1 - probabilities[:, None], truth[:, None])
    assert 0 <= threshold <= 1
