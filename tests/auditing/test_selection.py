from __future__ import annotations

import numpy as np
import pytest

from genre_batch.auditing.selection import candidates_for, diverse, uncertainty


def test_a_decision_is_most_open_at_its_threshold() -> None:
    probabilities = np.array([[0.3, 0.5], [0.9, 0.3], [0.01, 0.999]])
    found = uncertainty(probabilities, np.array([0.3, 0.5]))
    assert found[0] == pytest.approx([1, 1])
    assert (found[1:] < 1).all()
    assert (found[2] < 0.1).all()


def test_a_twin_of_a_chosen_row_is_not_chosen() -> None:
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    chosen, worth = diverse(np.array([0.9, 0.89, 0.5, 0.4]), vectors, 4)
    assert chosen.tolist()[:2] == [0, 2]
    assert 1 not in chosen
    assert (np.diff(worth) <= 0).all()


def test_there_are_enough_candidates_but_not_too_many() -> None:
    assert candidates_for(5) == 50
    assert candidates_for(50_000) == 50_000
    assert candidates_for(1_000) == 5_000
