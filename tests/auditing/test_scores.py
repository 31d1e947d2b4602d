from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from genre_batch.auditing.scores import as_scores, evidence_below


@given(st.floats(0, 1), st.floats(-60, 60))
@example(1.0, 40.0)
@example(0.5, 0.0)
@example(1e-9, -20.0)
def test_no_label_with_a_score_has_less_evidence_than_below_it(
    score: float, evidence: float
) -> None:
    has_score = as_scores(np.array([evidence]))[0] >= score
    assert evidence >= evidence_below(score) or not has_score


def test_every_label_has_a_score_of_0() -> None:
    assert evidence_below(0) == -math.inf
