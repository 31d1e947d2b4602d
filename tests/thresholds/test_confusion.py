"""Confusion counts on the grid, checked against each threshold on its own."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from genre_batch.thresholds.confusion import GRID, count_on_grid, f1_per_genre
from support.thresholds import CASES, Case, f1, mcc


@settings(deadline=None)
@given(CASES)
def test_counts_on_the_grid_equal_those_of_each_threshold(case: Case) -> None:
    probabilities, labels = case
    counts = count_on_grid(probabilities, labels)
    for index, genre in itertools.product((0, 30, 49, 98), range(2)):
        predicted, truth = probabilities[:, genre] >= GRID[index], labels[:, genre]
        assert counts.tp[genre, index] == (predicted & (truth == 1)).sum()
        assert counts.fp[genre, index] == (predicted & (truth == 0)).sum()
        assert counts.fn[genre, index] == (~predicted & (truth == 1)).sum()
        assert counts.tn[genre, index] == (~predicted & (truth == 0)).sum()
        assert counts.f1()[genre, index] == pytest.approx(f1(predicted, truth))
        assert counts.mcc()[genre, index] == pytest.approx(mcc(predicted, truth), abs=1e-9)


@settings(deadline=None)
@given(CASES)
def test_f1_per_genre_is_each_column_s_f1(case: Case) -> None:
    probabilities, labels = case
    predicted = probabilities >= 0.5
    expected = [f1(*columns) for columns in zip(predicted.T, labels.T, strict=True)]
    assert f1_per_genre(labels, predicted).tolist() == pytest.approx(expected)
    assert f1_per_genre(labels == 1, predicted).tolist() == pytest.approx(expected)
