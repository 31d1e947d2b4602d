"""Calibration recovers slopes and shifts, and learns from other genres where labels are few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.odds import log_odds, sigmoid
from genre_batch.thresholds.calibration import calibrate
from support.thresholds import Floats, Labels, random_case


def _genres(seed: int, films: int, slopes: Floats, shifts: Floats) -> tuple[Floats, Labels]:
    """Draw log odds whose calibration has these slopes and shifts, and labels."""
    random = np.random.default_rng(seed)
    odds = random.normal(-1, 1.5, (films, len(slopes)))
    labels = (random.random(odds.shape) < sigmoid(odds)).astype(np.int64)
    return (odds - shifts) / slopes, labels


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (2, 1), (0.5, -1), (0.25, 2), (8, 0)])
def test_many_labels_recover_the_slope_and_the_shift(slope: float, shift: float) -> None:
    odds, labels = _genres(0, 50_000, np.array([slope]), np.array([shift]))
    fitted = calibrate(odds, labels)
    np.testing.assert_allclose(np.concatenate(fitted), (slope, shift), rtol=0.05, atol=0.1)


def test_each_genre_with_many_labels_has_its_own_slope() -> None:
    slopes, shifts = np.array([0.5, 1.0, 4.0]), np.array([-1.0, 0.0, 1.0])
    fitted = calibrate(*_genres(1, 50_000, slopes, shifts))
    np.testing.assert_allclose(fitted[0], slopes, rtol=0.05)
    np.testing.assert_allclose(fitted[1], shifts, atol=0.1)


def test_a_genre_with_one_positive_follows_the_others() -> None:
    slopes, shifts = np.full(10, 5.0), np.zeros(10)
    odds, labels = _genres(2, 400, slopes, shifts)
    labels[:, 0] = 0
    labels[odds[:, 0].argmax(), 0] = 1
    fitted, _ = calibrate(odds, labels)
    assert fitted[0] == pytest.approx(5, rel=0.3)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 5))
def test_any_probabilities_and_labels_give_finite_parameters(
    seed: int, films: int, genres: int
) -> None:
    probabilities, labels = random_case(seed, films, genres)
    slopes, shifts = calibrate(log_odds(probabilities), labels)
    assert (slopes > 0).all()
    assert np.isfinite(slopes).all()
    assert np.isfinite(shifts).all()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("label", [0, 1])
def test_constant_probabilities_and_labels_give_finite_parameters(value: float, label: int) -> None:
    odds = log_odds(np.full((30, 2), value))
    slopes, shifts = calibrate(odds, np.full((30, 2), label))
    assert np.isfinite(np.concatenate([slopes, shifts])).all()


def test_log_odds_and_sigmoid_are_inverse() -> None:
    probabilities = np.array([0.001, 0.3, 0.5, 0.999])
    np.testing.assert_allclose(sigmoid(log_odds(probabilities)), probabilities)


def test_genres_that_differ_much_from_the_rest_are_fitted_to_their_own_labels() -> None:
    """Thirty rare genres pull the prior away from three that have most of the positives."""
    random = np.random.default_rng(0)
    truth = (random.random((2000, 33)) < np.repeat([0.3, 1 / 2000], [3, 30])).astype(np.int64)
    odds = np.where(truth == 1, 9.0, -9.0) + random.normal(0, 4, truth.shape)
    slopes, shifts = calibrate(odds, truth)
    calibrated = sigmoid(slopes * odds + shifts)
    np.testing.assert_allclose(calibrated[:, :3].mean(axis=0), truth[:, :3].mean(axis=0), rtol=0.05)
    assert (np.abs(calibrated[:, :3] - truth[:, :3]) < 0.5).mean() > 0.98
