"""F1 thresholds from calibrated probabilities, checked on simulated labels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.expected_f1 import _largest_expected_f1, f1_expected
from support.thresholds import Floats, Labels, f1, macro_f1


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
    assert _largest_expected_f1(np.array(calibrated)[:, None])[0] == pytest.approx(best)


def test_thresholds_follow_probabilities_that_are_miscalibrated() -> None:
    """Predictions stay the same when all log odds are scaled and shifted."""
    log_odds, probabilities, truth = _films(1, 50_000, -2)
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


def test_probabilities_of_the_opposite_genre_give_a_threshold() -> None:
    """The slope comes near 0, and the log odds of the threshold near overflow."""
    _, probabilities, truth = _films(3, 1000, 0)
    (threshold,) = f1_expected(1 - probabilities[:, None], truth[:, None])
    assert 0 <= threshold <= 1


def _compressed(seed: int, films: int, slope: float) -> tuple[Floats, Labels, Floats, Labels]:
    """Draw six genres with log odds too near 0 by a factor, `films` rows and 5,000 other rows."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(-2, 2.5, (films + 5000, 6))
    labels = (random.random(log_odds.shape) < 1 / (1 + np.exp(-log_odds))).astype(np.int64)
    probabilities = 1 / (1 + np.exp(-slope * log_odds))
    return probabilities[:films], labels[:films], probabilities[films:], labels[films:]


@pytest.mark.parametrize("films", [20, 60, 200])
@pytest.mark.parametrize("slope", [0.1, 0.2, 3.0])
def test_a_model_that_is_too_sure_or_not_sure_enough_gets_as_good_thresholds_on_few_films(
    films: int, slope: float
) -> None:
    """The slope is learned from all genres, so it need not be near 1."""
    scores: dict[str, list[float]] = {"expected": [], "exact": []}
    for seed in range(8):
        probabilities, labels, others, truth = _compressed(seed, films, slope)
        for name, method in (("expected", f1_expected), ("exact", f1_optimal)):
            predicted = others >= method(probabilities, labels)
            scores[name].append(macro_f1(predicted, truth))
            if name == "expected":
                assert predicted.mean() < 0.5
    assert np.mean(scores["expected"]) > np.mean(scores["exact"])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(10, 100), st.floats(0.01, 0.9))
def test_genres_that_a_threshold_separates_are_as_right_as_with_the_exact_search(
    seed: int, films: int, gap: float
) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (films, 4))
    labels[0], labels[1] = 1, 0
    probabilities = (1 - gap) / 2 * random.random((films, 4)) + labels * (1 + gap) / 2
    predicted = probabilities >= f1_expected(probabilities, labels)
    assert (predicted == labels).all()
