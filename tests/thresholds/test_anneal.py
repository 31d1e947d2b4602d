"""The paper's annealing, checked against a loop over single decisions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.anneal import STEP, anneal
from support.thresholds import CASES, Case, Floats, Labels, random_case


def _anneal_by_loop(probabilities: Floats, labels: Labels, passes: int, decay: bool) -> list[float]:
    thresholds = [0.5] * probabilities.shape[1]
    for number in range(1, passes + 1):
        for row, truth in zip(probabilities, labels, strict=True):
            for genre in range(len(thresholds)):
                predicted = row[genre] >= thresholds[genre]
                step = STEP / number if decay else STEP
                if predicted and not truth[genre]:
                    thresholds[genre] += step
                elif not predicted and truth[genre]:
                    thresholds[genre] -= step
    return thresholds


@settings(max_examples=30, deadline=None)
@given(CASES, st.integers(1, 10), st.booleans())
def test_annealing_raises_for_a_false_positive_and_lowers_for_a_false_negative(
    case: Case, passes: int, decay: bool
) -> None:
    by_loop = _anneal_by_loop(*case, passes, decay)
    assert anneal(*case, passes=passes, decay=decay).tolist() == pytest.approx(by_loop, abs=1e-9)


def test_annealing_converges_to_predicting_a_genre_as_often_as_it_occurs() -> None:
    probabilities, labels = random_case(3, 4000, 2)
    thresholds = anneal(probabilities * 0.6, labels, passes=10)
    predicted = (probabilities * 0.6 >= thresholds).mean(axis=0)
    assert predicted == pytest.approx(labels.mean(axis=0), abs=0.02)
