"""Confusion matrices: the cells of a figure are the counts of the films."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.evaluation.per_genre import genre_scores
from genre_batch.report.matrices import confusion_matrices, confusion_matrix
from support.charts import GENRES, dataset, random_predictions

FIELDS = ("genre", "truth", "predicted", "films", "share")


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_the_cells_of_every_confusion_matrix_add_up_to_all_films(seed: int) -> None:
    films = random_predictions(seed)
    scores = genre_scores(films.labels, films.probabilities, films.thresholds, GENRES)
    figure = confusion_matrices(scores, "Drama")
    assert (figure.choices, figure.chosen) == (GENRES, "Drama")
    rows = dataset(figure, *FIELDS)
    for index, name in enumerate(GENRES):
        cells = {(r["truth"], r["predicted"]): r for r in rows if r["genre"] == name}
        assert sum(cell["films"] for cell in cells.values()) == len(films.labels)
        has_it = [cell for (truth, _), cell in cells.items() if truth == "has it"]
        assert sum(cell["films"] for cell in has_it) == films.labels[:, index].sum()
        assert sum(cell["share"] for cell in has_it) == pytest.approx(1, abs=1e-3)
        assert cells["has it", "predicted"]["films"] == scores[index].tp
        assert cells["does not have it", "predicted"]["films"] == scores[index].fp


def test_one_confusion_matrix_offers_no_choice() -> None:
    figure = confusion_matrix("Drama", tp=3, fp=1, fn=0, tn=0, title="After oversampling")
    assert figure.title == "After oversampling"
    assert (figure.choices, "params" in figure.spec) == ((), False)
    rows = dataset(figure, *FIELDS)
    assert [(row["films"], row["share"]) for row in rows] == [(3, 1), (0, 0), (1, 1), (0, 0)]
    empty = confusion_matrix("Drama", 0, 0, 0, 0)
    assert empty.title == "Confusion matrix of Drama"
