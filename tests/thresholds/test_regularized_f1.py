"""Regularized F1 thresholds: rare genres are shrunk most, unpredictable ones predicted rarely."""

from __future__ import annotations

import numpy as np
import pytest

from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.regularized_f1 import SHRINKAGES, _shrink, f1_floor, f1_shrunk
from support.thresholds import f1, random_case


def test_shrinkage_moves_a_rare_genre_further_than_a_common_one() -> None:
    probabilities, labels = random_case(7, 400, 2)
    labels[:, 1] = 0
    labels[:3, 1] = 1
    own, shared = map(_shrink(probabilities, labels), (0.0, 1e9))
    assert own.tolist() == f1_optimal(probabilities, labels).tolist()
    assert shared[0] == pytest.approx(shared[1], abs=1e-6)
    moved = (_shrink(probabilities, labels)(20.0) - own) / (shared - own)
    assert moved[1] == pytest.approx(20 / 23, abs=1e-6)
    assert moved[0] < 0.1


def test_the_strength_of_shrinkage_is_one_of_those_tried() -> None:
    probabilities, labels = random_case(8, 200, 3)
    thresholds = f1_shrunk(probabilities, labels).tolist()
    assert thresholds in [_shrink(probabilities, labels)(k).tolist() for k in SHRINKAGES]


def test_a_genre_that_cannot_be_predicted_is_predicted_rarely() -> None:
    random = np.random.default_rng(0)
    probabilities, labels = random_case(9, 600, 2)
    probabilities[:, 1] = random.random(600)
    labels[:, 1] = random.random(600) < 0.03
    plain = probabilities >= f1_optimal(probabilities, labels)
    floored = probabilities >= f1_floor(probabilities, labels)
    assert floored[:, 1].sum() <= plain[:, 1].sum()
    assert f1(floored[:, 0], labels[:, 0]) == pytest.approx(f1(plain[:, 0], labels[:, 0]), abs=0.03)
