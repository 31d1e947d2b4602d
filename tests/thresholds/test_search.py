"""Joint searches come near the best threshold of each genre and never beat it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from genre_batch.thresholds.confusion import GRID
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.methods import Method
from genre_batch.thresholds.search import beam_search, genetic
from support.thresholds import CASES, Case, macro_f1, random_case


@settings(max_examples=20, deadline=None)
@given(CASES)
def test_no_joint_search_beats_the_best_threshold_of_each_genre(case: Case) -> None:
    probabilities, labels = case
    best = macro_f1(probabilities >= f1_optimal(probabilities, labels), labels)
    best_on_grid = max(
        macro_f1(probabilities >= np.array(pair), labels)
        for pair in itertools.product(GRID[::7], repeat=2)
    )
    for method in (beam_search, genetic):
        value = macro_f1(probabilities >= method(probabilities, labels), labels)
        assert value <= best + 1e-9
        assert value >= best_on_grid - 0.1


@pytest.mark.parametrize("method", [beam_search, genetic])
def test_a_joint_search_comes_near_the_best_thresholds(method: Method) -> None:
    probabilities, labels = random_case(5, 800, 6)
    best = macro_f1(probabilities >= f1_optimal(probabilities, labels), labels)
    value = macro_f1(probabilities >= method(probabilities, labels), labels)
    assert best - 0.02 < value <= best + 1e-9
