"""Calibration errors by hand, and a fit that helps on films that it was not fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.evaluation.calibration import (
    BINS,
    FILMS_PER_BIN,
    calibration_error,
    cross_fitted_errors,
    fit_calibration,
    genre_calibrations,
    reliability,
)
from genre_batch.model.calibration import calibrated
from genre_batch.odds import sigmoid
from support import tiny

Floats = npt.NDArray[np.float64]


def _films(
    seed: int, films: int, slope: float, shift: float
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Draw labels of four genres, and probabilities whose calibration has this slope and shift."""
    random = np.random.default_rng(seed)
    odds = random.normal(-1.5, 1.5, (films, 4))
    labels = (random.random(odds.shape) < sigmoid(odds)).astype(np.int64)
    return labels, sigmoid((odds - shift) / slope)


def test_calibrated_probabilities_have_error_zero_and_confident_wrong_ones_have_one() -> None:
    labels = np.array([[1], [0], [0], [0]])
    assert calibration_error(labels, np.full((4, 1), 0.25)) == pytest.approx(0.0)
    assert calibration_error(labels, 1.0 - labels) == pytest.approx(0.5)  # one bin: few films
    assert calibration_error(labels, np.full((4, 1), 0.75)) == pytest.approx(0.5)
    many = np.repeat(labels, 50, axis=0)
    assert calibration_error(many, 1.0 - many) == pytest.approx(1.0)


def test_the_error_is_a_mean_over_genres_so_that_a_rare_one_counts_as_much() -> None:
    labels = np.zeros((100, 2), np.int64)
    labels[:50, 0] = 1
    probabilities = np.column_stack([np.full(100, 0.5), np.full(100, 0.2)])
    drama, war = genre_calibrations(labels, probabilities, ("Drama", "War"))
    assert (drama.error, drama.share, drama.mean_probability) == (0.0, 0.5, 0.5)
    assert war.error == pytest.approx(0.2)
    assert war.share == 0.0
    assert war.calibrated_error is None
    assert calibration_error(labels, probabilities) == pytest.approx(0.1)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(0, 3))
def test_bins_have_equal_mass_keep_ties_together_and_add_up(
    seed: int, films: int, places: int
) -> None:
    random = np.random.default_rng(seed)
    probabilities, truth = random.random(films).round(places), random.integers(0, 2, films)
    bins = reliability(truth, probabilities)
    means, fractions, sizes = (np.array(column) for column in zip(*bins, strict=True))
    assert sizes.sum() == films
    assert len(bins) <= max(1, min(BINS, films // FILMS_PER_BIN))
    assert (np.diff(means) > 0).all()
    assert (means * sizes).sum() == pytest.approx(probabilities.sum())
    assert (fractions * sizes).sum() == pytest.approx(truth.sum())
    order = random.permutation(films)
    shuffled: Any = reliability(truth[order], probabilities[order])
    np.testing.assert_allclose(shuffled, bins)
    if len(np.unique(probabilities)) == films:
        count = max(1, min(BINS, films // FILMS_PER_BIN))
        assert sizes.max() - sizes.min() <= 1
        assert len(bins) == count


@pytest.mark.parametrize(("slope", "shift"), [(0.5, 1.0), (2.0, -0.5), (4.0, 0.0)])
def test_a_fit_takes_the_error_of_other_films_away(slope: float, shift: float) -> None:
    labels, probabilities = _films(0, 2000, slope, shift)
    fitted = fit_calibration(probabilities, labels)
    metadata = tiny.metadata(calibration=fitted)
    others, raw = _films(1, 2000, slope, shift)
    before, after = (
        calibration_error(others, raw),
        calibration_error(others, calibrated(raw, metadata)),
    )
    perfect = calibration_error(others, _films(1, 2000, 1.0, 0.0)[1])
    assert before > 0.05
    assert after < perfect + 0.01
    errors = cross_fitted_errors(probabilities, labels)
    assert errors.raw == calibration_error(labels, probabilities)
    assert errors.calibrated < perfect + 0.01


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_labels_and_probabilities_without_variety_give_a_valid_calibration(
    label: int, value: float
) -> None:
    labels, probabilities = np.full((30, 4), label), np.full((30, 4), value)
    fitted = fit_calibration(probabilities, labels)
    metadata = tiny.metadata(calibration=fitted)
    props = metadata.to_props()
    assert type(metadata).from_props(props, "it").calibration == fitted
    assert np.isfinite(calibrated(probabilities, metadata)).all()


def test_a_fit_is_the_same_every_time() -> None:
    labels, probabilities = _films(3, 300, 2.0, 1.0)
    first = fit_calibration(probabilities, labels)
    assert first == fit_calibration(probabilities.copy(), labels.astype(np.uint8))
