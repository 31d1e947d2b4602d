"""Cross-fitting: no row changes the thresholds that it is scored with."""

from __future__ import annotations

import numpy as np

from genre_batch.thresholds.cross_fit import cross_fitted, folds, halves
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


def test_the_wordings_of_a_film_are_in_one_half() -> None:
    films = RANDOM.integers(0, 25, 80).astype(np.uint64)
    for seed in range(5):
        for scored, fitted in halves(80, seed, films):
            assert not set(films[scored]) & set(films[fitted])
            assert sorted([*scored, *fitted]) == list(range(80))
    parts = folds(5, 80, 0, films)
    assert sum(len(set(films[rows])) for rows in parts) == len(set(films))


def test_films_of_one_wording_each_are_divided_like_rows() -> None:
    films = RANDOM.integers(0, 2**63, 80).astype(np.uint64)
    for count in (2, 5):
        for own, expected in zip(folds(count, 80, 3, films), folds(count, 80, 3), strict=True):
            assert own.tolist() == expected.tolist()
