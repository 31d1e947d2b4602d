"""Cross-fitting: no row changes the thresholds that it is scored with."""

from __future__ import annotations

import numpy as np

from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.exact_f1 import f1_optimal

RANDOM = np.random.default_rng(0)
PROBABILITIES = RANDOM.random((80, 3))
LABELS = (RANDOM.random((80, 3)) < PROBABILITIES).astype(int)


def test_each_half_gets_one_set_of_thresholds() -> None:
    thresholds = cross_fitted(f1_optimal, PROBABILITIES, LABELS, seed=1)
    sets, counts = np.unique(thresholds, axis=0, return_counts=True)
    assert sets.shape == (2, 3)
    assert counts.tolist() == [40, 40]


def test_a_row_s_label_does_not_change_its_own_thresholds() -> None:
    thresholds = cross_fitted(f1_optimal, PROBABILITIES, LABELS, seed=1)
    for row in range(10):
        other = LABELS.copy()
        other[row] = 1 - other[row]
        changed = cross_fitted(f1_optimal, PROBABILITIES, other, seed=1)
        assert (changed[row] == thresholds[row]).all()


def test_a_seed_gives_the_same_halves_each_time() -> None:
    first, second, other_seed = (
        cross_fitted(f1_optimal, PROBABILITIES, LABELS, seed) for seed in (1, 1, 2)
    )
    assert (first == second).all()
    assert (first != other_seed).any()
