"""Curves: the points of a figure are what the arrays and scikit-learn give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from genre_batch.evaluation.calibration import calibration_error
from genre_batch.report.curves import (
    CURVE_POINTS,
    THRESHOLD_STEPS,
    calibration,
    precision_recall_curves,
    threshold_curves,
    training_curves,
)
from support.charts import GENRES, dataset, datasets, random_predictions


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_each_point_of_a_precision_recall_curve_is_the_score_at_its_threshold(seed: int) -> None:
    films = random_predictions(seed)
    lines, marked = datasets(precision_recall_curves(films, "War"))
    for point in lines + marked:
        index = GENRES.index(point["genre"])
        truth, predicted = (
            films.labels[:, index],
            films.probabilities[:, index] >= point["threshold"],
        )
        assert point["precision"] == pytest.approx(precision_score(truth, predicted), abs=1e-4)
        assert point["recall"] == pytest.approx(recall_score(truth, predicted), abs=1e-4)
    for index, name in enumerate(GENRES):
        recalls = [point["recall"] for point in lines if point["genre"] == name]
        assert recalls == sorted(recalls, reverse=True)
        assert recalls[0] == 1
        assert len(recalls) == len(set(films.probabilities[films.labels[:, index] == 1, index]))
    assert {point["genre"]: point["threshold"] for point in marked} == {
        name: threshold
        for index, (name, threshold) in enumerate(zip(GENRES, films.thresholds, strict=True))
        if (films.probabilities[:, index] >= threshold).any()
    }


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    films = random_predictions(0, films=3000)
    lines = datasets(precision_recall_curves(films, "War"))[0]
    for index, name in enumerate(GENRES):
        points = [point for point in lines if point["genre"] == name]
        assert len(points) == CURVE_POINTS
        positives = films.probabilities[films.labels[:, index] == 1, index]
        assert points[0]["threshold"] == positives.min()
        assert points[-1]["threshold"] == positives.max()


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@example(766772)  # a film's probability is 0.95, one of the thresholds
@given(st.integers(0, 2**32 - 1))
def test_threshold_curves_agree_with_scikit_learn(seed: int) -> None:
    films = random_predictions(seed)
    figure = threshold_curves(films, "War")
    rows = datasets(figure)[0]
    assert len(rows) == len(GENRES) * (THRESHOLD_STEPS + 1)
    for row in rows[::7]:
        index = GENRES.index(row["genre"])
        truth, predicted = films.labels[:, index], films.probabilities[:, index] >= row["threshold"]
        assert row["F1"] == pytest.approx(f1_score(truth, predicted), abs=1e-4)
        assert row["recall"] == pytest.approx(recall_score(truth, predicted), abs=1e-4)
        assert ("precision" in row) == predicted.any()
        if predicted.any():
            assert row["precision"] == pytest.approx(precision_score(truth, predicted), abs=1e-4)
    marked = {row["genre"]: row["threshold"] for row in dataset(figure, "genre", "threshold")}
    assert marked == dict(zip(GENRES, films.thresholds.tolist(), strict=True))


@pytest.mark.parametrize("draw", [precision_recall_curves, threshold_curves])
@pytest.mark.parametrize("unmarked", [np.inf, np.nan], ids=["off", "two thresholds"])
def test_a_genre_without_films_has_no_curve_and_one_without_a_threshold_no_mark(
    draw: Any, unmarked: float
) -> None:
    films = random_predictions(1)
    films.labels[:, 1] = 0
    films.thresholds[2] = unmarked
    figure = draw(films, "Drama")
    assert (figure.choices, figure.chosen) == (("Comedy", "War"), "Comedy")
    curves, marked = datasets(figure)
    assert {row["genre"] for row in curves} == {"Comedy", "War"}
    assert {row["genre"] for row in marked} == {"Comedy"}


@pytest.mark.parametrize("draw", [precision_recall_curves, threshold_curves])
def test_a_genre_whose_threshold_differs_between_films_has_no_mark(draw: Any) -> None:
    films = random_predictions(3)
    rows = np.tile(films.thresholds, (len(films.labels), 1))
    rows[0, 2] = np.inf
    _, marked = datasets(draw(replace(films, thresholds=rows), "Drama"))
    assert {row["genre"] for row in marked} == {"Comedy", "Drama"}


@pytest.mark.parametrize("has_calibration", [True, False])
def test_the_reliability_diagrams_add_up_to_the_calibration_error(has_calibration: bool) -> None:
    films = random_predictions(2, films=100)
    after = films.probabilities**2 if has_calibration else None
    figure = calibration(replace(films, calibrated=after), "War")
    assert (figure.choices, figure.chosen) == (GENRES, "War")
    rows = dataset(figure, "genre", "figure", "probability", "share", "films")
    series = {"as predicted": films.probabilities, "calibrated": after}
    for name, values in series.items():
        shown = [row for row in rows if row["figure"] == name]
        if values is None:
            assert not shown
            continue
        assert sum(row["films"] for row in shown) == films.labels.size
        distances = [abs(row["probability"] - row["share"]) * row["films"] for row in shown]
        expected = calibration_error(films.labels, values)
        assert sum(distances) / films.labels.size == pytest.approx(expected, abs=1e-3)


def test_training_curves_leave_out_a_loss_that_was_not_logged() -> None:
    log: list[dict[str, float | None]] = [
        {"epoch": 1, "loss": None, "development_macro_f1": 0.5, "development_map": 0.4},
        {"epoch": 2, "loss": 0.25, "development_macro_f1": 0.6, "development_map": 0.5},
    ]
    loss, scores = training_curves(log)
    assert dataset(loss, "epoch", "figure", "value") == [
        {"epoch": 2, "figure": "loss", "value": 0.25}
    ]
    shown = dataset(scores, "epoch", "figure", "value")
    assert [(row["epoch"], row["figure"], row["value"]) for row in shown] == [
        (1, "macro-F1", 0.5),
        (1, "mAP", 0.4),
        (2, "macro-F1", 0.6),
        (2, "mAP", 0.5),
    ]
