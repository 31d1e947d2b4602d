"""The threshold with the largest Matthews correlation, checked against the whole grid."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from genre_batch.thresholds.confusion import GRID
from genre_batch.thresholds.mcc import mcc_grid
from support.thresholds import CASES, Case, mcc


@settings(deadline=None)
@given(CASES)
def test_the_mcc_grid_finds_the_largest_correlation_of_the_grid(case: Case) -> None:
    probabilities, labels = case
    for threshold, scores, truth in zip(
        mcc_grid(probabilities, labels), probabilities.T, labels.T, strict=True
    ):
        if truth.any():
            best = max(mcc(scores >= other, truth) for other in GRID)
            assert mcc(scores >= threshold, truth) == pytest.approx(best, abs=1e-9)
