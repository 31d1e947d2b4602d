"""The figures of a report: what they plot is what the arrays hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from genre_batch.evaluation.per_genre import calibration_error, genre_scores
from genre_batch.report.figures import (
    CURVE_POINTS,
    THRESHOLD_STEPS,
    calibration,
    confusion_matrices,
    confusion_matrix,
    genre_counts,
    precision_recall_curves,
    threshold_curves,
    training_curves,
)
from genre_batch.report.page import Figure

NAMES = ("Comedy", "Drama", "War")
Arrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _sets(figure: Figure) -> list[list[dict[str, Any]]]:
    """All the data of a figure, the largest set first."""
    return sorted(figure.spec["datasets"].values(), key=len, reverse=True)


def _data(figure: Figure, *fields: str) -> list[dict[str, Any]]:
    """The one data set of a figure whose rows have these fields and no others."""
    (found,) = [rows for rows in _sets(figure) if set(rows[0]) == set(fields)]
    return found


def _films(seed: int, count: int = 40) -> Arrays:
    """Labels, probabilities of four places and thresholds; every genre has a film."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (count, 3))
    labels[0] = 1
    noise = random.random((count, 3))
    return labels, (0.3 * labels + 0.7 * noise).round(4), random.random(3).round(4)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_the_parts_of_every_confusion_matrix_are_all_the_films(seed: int) -> None:
    labels, probabilities, thresholds = _films(seed)
    scores = genre_scores(labels, probabilities, thresholds, NAMES)
    figure = confusion_matrices(scores, "Drama")
    assert (figure.choices, figure.chosen) == (NAMES, "Drama")
    rows = _data(figure, "genre", "truth", "predicted", "films", "share")
    for at, name in enumerate(NAMES):
        cells = {(r["truth"], r["predicted"]): r for r in rows if r["genre"] == name}
        assert sum(cell["films"] for cell in cells.values()) == len(labels)
        has_it = [cell for (truth, _), cell in cells.items() if truth == "has it"]
        assert sum(cell["films"] for cell in has_it) == labels[:, at].sum()
        assert sum(cell["share"] for cell in has_it) == pytest.approx(1, abs=1e-3)
        assert cells["has it", "predicted"]["films"] == scores[at].tp
        assert cells["has it not", "predicted"]["films"] == scores[at].fp


def test_one_confusion_matrix_leaves_nothing_to_choose() -> None:
    figure = confusion_matrix("Drama", tp=3, fp=1, fn=0, tn=0, title="After oversampling")
    assert (figure.title, figure.choices, "params" in figure.spec) == (
        "After oversampling",
        (),
        False,
    )
    rows = _data(figure, "genre", "truth", "predicted", "films", "share")
    assert [(row["films"], row["share"]) for row in rows] == [(3, 1), (0, 0), (1, 1), (0, 0)]
    empty = confusion_matrix("Drama", 0, 0, 0, 0)
    assert empty.title == "Confusion matrix of Drama"


def test_genres_are_counted_in_every_series_and_stand_in_the_first_one_s_order() -> None:
    before = {"Drama": 5, "War": 1, "Comedy": 5}
    after = {"Drama": 5, "War": 6, "Music": 2}
    figure = genre_counts({"before": before, "after": after}, "Counts", "Films.")
    rows = _data(figure, "genre", "series", "films")
    assert list(dict.fromkeys(row["genre"] for row in rows)) == ["Comedy", "Drama", "War", "Music"]
    for name, counts in (("before", before), ("after", after)):
        shown = {row["genre"]: row["films"] for row in rows if row["series"] == name}
        assert shown == {"Comedy": 0, "Music": 0} | counts
    assert "yOffset" not in str(genre_counts({"all": before}, "Counts", "Films.").spec)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_each_point_of_a_precision_recall_curve_is_a_threshold_s_own(seed: int) -> None:
    labels, probabilities, thresholds = _films(seed)
    figure = precision_recall_curves(labels, probabilities, NAMES, thresholds, "War")
    lines, marked = _sets(figure)
    for point in lines + marked:
        at = NAMES.index(point["genre"])
        guess = probabilities[:, at] >= point["threshold"]
        assert point["precision"] == pytest.approx(precision_score(labels[:, at], guess), abs=1e-4)
        assert point["recall"] == pytest.approx(recall_score(labels[:, at], guess), abs=1e-4)
    for at, name in enumerate(NAMES):
        recalls = [point["recall"] for point in lines if point["genre"] == name]
        assert recalls == sorted(recalls, reverse=True)
        assert recalls[0] == 1
        assert len(recalls) == len(set(probabilities[labels[:, at] == 1, at]))
    assert {point["genre"]: point["threshold"] for point in marked} == {
        name: threshold
        for at, (name, threshold) in enumerate(zip(NAMES, thresholds, strict=True))
        if (probabilities[:, at] >= threshold).any()
    }


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    labels, probabilities, thresholds = _films(0, count=3000)
    figure = precision_recall_curves(labels, probabilities, NAMES, thresholds, "War")
    for name in NAMES:
        at = NAMES.index(name)
        points = [p for p in _sets(figure)[0] if p["genre"] == name]
        assert len(points) == CURVE_POINTS
        positives = probabilities[labels[:, at] == 1, at]
        assert points[0]["threshold"] == positives.min()
        assert points[-1]["threshold"] == positives.max()


@settings(deadline=None, max_examples=10)
@example(766772)  # a film's probability is 0.95, one of the thresholds
@given(st.integers(0, 2**32 - 1))
def test_threshold_curves_are_scikit_learn_s(seed: int) -> None:
    labels, probabilities, thresholds = _films(seed)
    figure = threshold_curves(labels, probabilities, NAMES, thresholds, "War")
    rows = _sets(figure)[0]
    assert len(rows) == len(NAMES) * (THRESHOLD_STEPS + 1)
    for row in rows[::7]:
        truth = labels[:, NAMES.index(row["genre"])]
        guess = probabilities[:, NAMES.index(row["genre"])] >= row["threshold"]
        assert row["F1"] == pytest.approx(f1_score(truth, guess), abs=1e-4)
        assert row["recall"] == pytest.approx(recall_score(truth, guess), abs=1e-4)
        assert ("precision" in row) == guess.any()
        if guess.any():
            assert row["precision"] == pytest.approx(precision_score(truth, guess), abs=1e-4)
    marked = {row["genre"]: row["threshold"] for row in _data(figure, "genre", "threshold")}
    assert marked == dict(zip(NAMES, thresholds.tolist(), strict=True))


@pytest.mark.parametrize("draw", [precision_recall_curves, threshold_curves])
@pytest.mark.parametrize("unmarked", [np.inf, np.nan], ids=["off", "two thresholds"])
def test_a_genre_without_films_has_no_curve_and_one_without_a_threshold_no_mark(
    draw: Any, unmarked: float
) -> None:
    labels, probabilities, thresholds = _films(1)
    labels[:, 1] = 0
    thresholds[2] = unmarked
    figure = draw(labels, probabilities, NAMES, thresholds, "Drama")
    assert (figure.choices, figure.chosen) == (("Comedy", "War"), "Comedy")
    curves, marked = _sets(figure)
    assert {row["genre"] for row in curves} == {"Comedy", "War"}
    assert {row["genre"] for row in marked} == {"Comedy"}


def test_the_reliability_diagram_adds_up_to_the_calibration_error() -> None:
    labels, probabilities, _ = _films(2)
    rows = _data(calibration(labels, probabilities), "probability", "share", "decisions")
    assert sum(row["decisions"] for row in rows) == labels.size
    distances = [abs(row["probability"] - row["share"]) * row["decisions"] for row in rows]
    expected = calibration_error(labels, probabilities)
    assert sum(distances) / labels.size == pytest.approx(expected, abs=1e-3)


def test_training_curves_leave_out_a_loss_that_was_not_logged() -> None:
    log: list[dict[str, float | None]] = [
        {"epoch": 1, "loss": None, "development_macro_f1": 0.5, "development_map": 0.4},
        {"epoch": 2, "loss": 0.25, "development_macro_f1": 0.6, "development_map": 0.5},
    ]
    loss, figures = training_curves(log)
    assert _data(loss, "epoch", "figure", "value") == [
        {"epoch": 2, "figure": "loss", "value": 0.25}
    ]
    shown = _data(figures, "epoch", "figure", "value")
    assert [(row["epoch"], row["figure"], row["value"]) for row in shown] == [
        (1, "macro-F1", 0.5),
        (1, "mAP", 0.4),
        (2, "macro-F1", 0.6),
        (2, "mAP", 0.5),
    ]
