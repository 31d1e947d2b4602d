"""Sections of a report: the genre shown initially, and facts as rows."""

from __future__ import annotations

import numpy as np

from genre_batch.evaluation.per_genre import genre_scores
from genre_batch.report.sections import facts_table, first_shown


def test_drama_is_shown_initially_or_else_the_most_common_genre() -> None:
    names = ("Action", "Comedy", "Drama")
    labels = np.array([[0, 1, 0], [1, 1, 1]])
    scores = genre_scores(labels, labels.astype(np.float64), np.full(3, 0.5), names)
    assert first_shown(scores) == "Drama"
    assert first_shown(scores[:2]) == "Comedy"


def test_facts_of_any_depth_become_rows_of_words() -> None:
    facts = {"a": {"b": 1, "c_d": None}, "d": [{"e": True}, {"e": False}], "f": [1, 2], "g": []}
    assert facts_table(facts, "Facts").rows == (
        ("a b", "1"),
        ("a c d", "none"),
        ("d 1 e", "yes"),
        ("d 2 e", "no"),
        ("f", "[1, 2]"),
        ("g", "none"),
    )
