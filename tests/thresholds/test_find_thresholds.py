"""Thresholds by the name of their method."""

from __future__ import annotations

import numpy as np
import pytest

from genre_batch.cli.options import THRESHOLD_METHODS
from genre_batch.thresholds.methods import METHODS, find_thresholds

PROBABILITIES = np.array([[0.9, 0.1, 0.3], [0.2, 0.8, 0.4]])
LABELS = np.array([[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_one_float_a_genre(method: str) -> None:
    thresholds = find_thresholds(method, PROBABILITIES, LABELS)
    assert thresholds.shape == (3,)
    assert thresholds.dtype == np.float64
    assert ((thresholds >= 0) & (thresholds <= 1)).all()


def test_f1_is_the_tuned_method_and_fixed_half_is_fixed() -> None:
    assert find_thresholds("f1", PROBABILITIES, LABELS) == pytest.approx([0.55, 0.45, 0.5])
    assert find_thresholds("fixed-0.5", PROBABILITIES, LABELS).tolist() == [0.5] * 3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (3,), (2, 3, 1)])
def test_labels_of_another_shape_are_refused(method: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"probabilities \(2, 3\) against labels"):
        find_thresholds(method, PROBABILITIES, np.zeros(shape, dtype=int))


def test_a_single_column_given_flat_is_refused() -> None:
    with pytest.raises(ValueError, match="against labels"):
        find_thresholds("f1", PROBABILITIES[:, 0], LABELS[:, 0])


def test_the_command_line_offers_every_method() -> None:
    assert tuple(METHODS) == THRESHOLD_METHODS
