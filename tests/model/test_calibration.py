"""Calibrated probabilities: exact in every bit, never out of order, and thresholds that match."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.errors import UsageError
from genre_batch.model.calibration import calibrated, raw_thresholds
from support import tiny

PAIRS = {
    "Action": (0.5, 1.0),
    "Comedy": (1.0, 0.0),
    "Drama": (3.0, -2.0),
    "Science Fiction": (12.0, 8.0),
}
METADATA = tiny.metadata(calibration=tuple(PAIRS.values()))


def test_the_sigmoid_of_slope_times_log_odds_plus_shift() -> None:
    raw = np.full((1, 4), 0.8, np.float32)
    odds = np.log(0.8 / 0.2)
    expected = [1 / (1 + np.exp(-(slope * odds + shift))) for slope, shift in PAIRS.values()]
    result = calibrated(raw, METADATA)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[0], expected, rtol=1e-6)


def test_a_slope_of_one_without_a_shift_changes_nothing() -> None:
    raw = np.random.default_rng(0).random((100, 4)).astype(np.float32)
    np.testing.assert_allclose(calibrated(raw, METADATA)[:, 1], raw[:, 1], atol=2e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_result_only_depends_on_its_own_probability(seed: int) -> None:
    random = np.random.default_rng(seed)
    raw = random.random((random.integers(2, 60), 4)).astype(np.float32)
    together = calibrated(raw, METADATA)
    row = int(random.integers(len(raw)))
    assert calibrated(raw[row : row + 1], METADATA).tobytes() == together[row].tobytes()
    strided = np.asfortranarray(np.repeat(raw, 2, axis=0))[::2]
    assert calibrated(strided, METADATA).tobytes() == together.tobytes()


def test_it_never_falls_and_stays_in_range() -> None:
    random = np.random.default_rng(1)
    near = np.nextafter(np.float32(0.4), np.float32(1)) + np.arange(2000, dtype=np.float32) * 3e-8
    raw = np.sort(np.concatenate([near, random.random(2000), [0, 1e-9, 1 - 1e-7, 1]]))
    values = calibrated(np.repeat(raw[:, None], 4, axis=1).astype(np.float32), METADATA)
    assert (np.diff(values, axis=0) >= 0).all()
    assert values.min() >= 0
    assert values.max() <= 1


def test_rows_without_text_stay_nan() -> None:
    assert np.isnan(calibrated(np.full((2, 4), np.nan, np.float32), METADATA)).all()


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_a_threshold_of_calibrated_probabilities_selects_the_same_raw_ones(
    threshold: float, seed: int
) -> None:
    raw = np.random.default_rng(seed).random((200, 4)).astype(np.float32)
    found = raw_thresholds(threshold, METADATA)
    edges = np.minimum(found, 1).astype(np.float32)
    raw[:2] = edges, np.nextafter(edges, np.float32(0))
    passed = calibrated(raw, METADATA).astype(np.float64) >= threshold
    np.testing.assert_array_equal(raw >= found, passed)


def test_a_threshold_that_no_probability_reaches_is_finite() -> None:
    found = raw_thresholds(1.0, tiny.metadata(calibration=((0.1, 0.0),) * len(PAIRS)))
    assert np.isfinite(found).all()
    assert (found > 1).all()
    assert raw_thresholds(0.0, METADATA).tolist() == [0.0] * 4


def test_a_model_without_calibration_is_refused_with_the_command_that_makes_one() -> None:
    with pytest.raises(UsageError, match=r"`calibrated` needs .*genre-batch tune CATALOG -o"):
        calibrated(np.zeros((1, 4), np.float32), tiny.metadata())
