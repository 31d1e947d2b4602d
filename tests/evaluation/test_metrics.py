"""The metrics, against scikit-learn, the paper's definitions and cases counted by hand."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as sklearn

from genre_batch.evaluation.metrics import (
    Scores,
    average_precision,
    macro_f1,
    macro_f1_gain,
    score_predictions,
)

NAMES = ["Action", "Comedy", "Drama", "Horror"]
# Five distinct scores on up to twenty rows: ties everywhere.
TIED = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
ROWS = st.integers(1, 20)


@st.composite
def tables(draw: st.DrawFn) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """(rows, 4) labels and probabilities, including ties and empty genres."""
    shape = (draw(ROWS), len(NAMES))
    labels = draw(arrays.arrays(np.int64, shape, elements=st.integers(0, 1)))
    return labels, draw(arrays.arrays(np.float64, shape, elements=TIED))


@st.composite
def ranked(draw: st.DrawFn) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """One genre's labels, at least one of them positive, and scores."""
    rows = draw(ROWS)
    labels = draw(arrays.arrays(np.int64, rows, elements=st.integers(0, 1)))
    labels[draw(st.integers(0, rows - 1))] = 1
    return labels, draw(arrays.arrays(np.float64, rows, elements=TIED))


def _score(labels: list[list[int]], predicted: list[list[int]]) -> Scores:
    genres = len(labels[0])
    return score_predictions(
        np.array(labels), np.array(predicted, dtype=float), np.full(genres, 0.5), NAMES[:genres]
    )


@pytest.fixture(scope="module")
def example() -> Scores:
    """Scores of sixty films, predicted well but not perfectly."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (60, 4))
    probabilities = np.clip(0.6 * labels + 0.7 * rng.random((60, 4)), 0, 1)
    return score_predictions(labels, probabilities, np.full(4, 0.6), NAMES)


@given(tables())
def test_f1_scores_are_scikit_learn_s(
    table: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]],
) -> None:
    labels, probabilities = table
    predicted = (probabilities >= 0.5).astype(int)
    expected = sklearn.f1_score(labels, predicted, average=None, zero_division=0)
    assert macro_f1(labels, predicted) == pytest.approx(expected.mean())
    scores = score_predictions(labels, probabilities, np.full(4, 0.5), NAMES)
    assert scores.f1 == pytest.approx(dict(zip(NAMES, expected, strict=True)))
    assert scores.macro_f1 == pytest.approx(expected.mean())
    assert scores.micro_f1 == pytest.approx(
        sklearn.f1_score(labels, predicted, average="micro", zero_division=0)
    )


@settings(deadline=None)
@given(ranked())
def test_average_precision_is_scikit_learn_s_with_ties(
    genre: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]],
) -> None:
    labels, scores = genre
    expected = sklearn.average_precision_score(labels, scores)
    assert average_precision(labels, scores) == pytest.approx([expected])


@settings(deadline=None)
@given(ranked(), st.data())
def test_a_row_of_weight_k_counts_as_k_rows(
    genre: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]], data: st.DataObject
) -> None:
    labels, scores = genre
    counts = data.draw(arrays.arrays(np.int64, (3, len(labels)), elements=st.integers(0, 3)))
    weighted = average_precision(labels, scores, counts)
    for row, value in zip(counts, weighted, strict=True):
        repeated = np.repeat(labels, row)
        if repeated.any():
            assert [value] == pytest.approx(average_precision(repeated, np.repeat(scores, row)))
        else:
            assert np.isnan(value)


def test_average_precision_without_a_positive_is_nan() -> None:
    assert np.isnan(average_precision(np.zeros(3), np.array([0.1, 0.2, 0.3]))).all()


def test_map_is_the_mean_over_the_genres_that_have_a_positive() -> None:
    labels = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 1]])
    probabilities = np.array([[0.9, 0.5, 0.8], [0.3, 0.6, 0.7], [0.1, 0.7, 0.6]])
    scores = score_predictions(labels, probabilities, np.full(3, 0.5), NAMES[:3])
    # Action: its one positive is ranked first; Drama: its two are ranked second and third.
    assert scores.map == pytest.approx((1 + (1 / 2 + 2 / 3) / 2) / 2)


def test_the_paper_s_accuracy_and_score_are_those_counted_by_hand() -> None:
    scores = _score([[1, 0, 1], [0, 1, 0]], [[1, 0, 0], [1, 1, 0]])
    # TP 2 (three points each), TN 2 (one each), FP 1, FN 1; at most 3 x 3 + 3 points.
    assert scores.accuracy == pytest.approx(4 / 6)
    assert scores.score == pytest.approx((3 * 2 + 2) / (3 * 3 + 3))
    assert scores.f1 == pytest.approx({"Action": 2 / 3, "Comedy": 1, "Drama": 0})
    assert (scores.macro_f1, scores.micro_f1) == pytest.approx((5 / 9, 4 / 6))
    assert scores.films == 2


@settings(deadline=None, max_examples=25)
@given(arrays.arrays(np.int64, st.tuples(ROWS, st.just(4)), elements=st.integers(0, 1)))
def test_predicting_nothing_earns_only_the_negatives(labels: npt.NDArray[np.int64]) -> None:
    positives = int(labels.sum())
    negatives = labels.size - positives
    scores = score_predictions(labels, np.zeros(labels.shape), np.full(4, 0.5), NAMES)
    assert scores.score == pytest.approx(negatives / (3 * positives + negatives))
    assert scores.accuracy == pytest.approx(negatives / labels.size)
    assert (scores.macro_f1, scores.micro_f1) == (0, 0)


def test_a_perfect_prediction_scores_one_everywhere() -> None:
    labels = [[1, 0], [0, 1], [1, 1]]
    scores = _score(labels, labels)
    assert (scores.macro_f1, scores.micro_f1, scores.map) == (1, 1, 1)
    assert (scores.accuracy, scores.score) == (1, 1)


def test_a_genre_is_predicted_from_its_own_threshold_upwards() -> None:
    labels = np.array([[1, 1], [0, 0]])
    probabilities = np.array([[0.5, 0.5], [0.4, 0.4]])
    scores = score_predictions(labels, probabilities, np.array([0.5, 0.51]), NAMES[:2])
    assert scores.f1 == {"Action": 1.0, "Comedy": 0.0}


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1", "map"])
def test_an_interval_contains_its_figure_and_has_a_width(example: Scores, name: str) -> None:
    low, high = getattr(example, f"{name}_interval")
    assert 0 <= low < getattr(example, name) < high <= 1


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others() -> None:
    labels = np.random.default_rng(1).integers(0, 2, (30, 4))
    probabilities = np.random.default_rng(2).random((30, 4))
    again, same, other = (
        score_predictions(labels, probabilities, np.full(4, 0.5), NAMES, seed=seed)
        for seed in (7, 7, 8)
    )
    assert again == same
    assert again.macro_f1 == other.macro_f1
    assert again.macro_f1_interval != other.macro_f1_interval


def test_more_films_make_a_narrower_interval() -> None:
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 2, (40, 4)), rng.random((40, 4))
    few, many = (
        score_predictions(
            np.tile(labels, (times, 1)), np.tile(probabilities, (times, 1)), np.full(4, 0.5), NAMES
        )
        for times in (1, 16)
    )
    widths = [scores.map_interval[1] - scores.map_interval[0] for scores in (few, many)]
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.2)


def test_resamples_without_a_positive_are_left_out_of_the_mean() -> None:
    labels = np.array([[1, 0]] + [[0, 0]] * 9)
    probabilities = np.array([[0.9, 0.1]] * 10)
    scores = score_predictions(labels, probabilities, np.full(2, 0.5), NAMES[:2])
    assert scores.map_interval[0] == 0 < scores.map


METRICS = ("macro_f1", "micro_f1", "map")


def _contains_its_estimates(scores: Scores) -> bool:
    return all(
        0 <= getattr(scores, f"{name}_interval")[0] <= getattr(scores, name)
        and getattr(scores, name) <= getattr(scores, f"{name}_interval")[1] <= 1
        for name in METRICS
    )


@settings(deadline=None, max_examples=50)
@given(tables())
def test_every_interval_contains_its_estimate(
    table: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]],
) -> None:
    labels, probabilities = table
    scores = score_predictions(labels, probabilities, np.full(4, 0.5), NAMES)
    assert _contains_its_estimates(scores)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([0.0, 0.4, 0.9]))
def test_intervals_contain_their_estimates_with_many_genres_of_one_film(
    seed: int, genres: int, skill: float
) -> None:
    """Most resamples lack some of these genres, and hold the film of others twice."""
    random = np.random.default_rng(seed)
    labels = np.zeros((40, genres), dtype=np.int64)
    labels[random.integers(0, 40, genres), np.arange(genres)] = 1
    probabilities = skill * labels + (1 - skill) * random.random((40, genres))
    names = [str(genre) for genre in range(genres)]
    scores = score_predictions(labels, probabilities, np.full(genres, 0.5), names)
    assert _contains_its_estimates(scores)
    # A single film decides each genre, so no average over them is known exactly.
    assert scores.map == 1 or scores.map_interval[0] < scores.map_interval[1]


def test_without_any_positive_every_figure_but_accuracy_is_zero() -> None:
    scores = _score([[0, 0], [0, 0]], [[0, 0], [0, 1]])
    assert (scores.macro_f1, scores.micro_f1, scores.map) == (0, 0, 0)
    assert scores.accuracy == pytest.approx(3 / 4)


def test_as_dict_is_ready_for_json_with_four_places(example: Scores) -> None:
    written = json.loads(json.dumps(example.as_dict()))
    assert written == example.as_dict()
    assert set(written) == {field.name for field in dataclasses.fields(Scores)}
    assert written["map"] == round(example.map, 4)
    assert written["map_interval"] == [round(value, 4) for value in example.map_interval]
    assert list(written["f1"]) == NAMES


def test_a_gain_is_the_difference_of_macro_f1_and_its_interval_pairs_the_films() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (300, 4))
    reference = np.where(random.random((300, 4)) < 0.3, 1 - labels, labels)
    better = reference.copy()
    better[:60] = labels[:60]
    gain = macro_f1_gain(labels, better, reference)
    assert gain.points == pytest.approx(
        100 * (macro_f1(labels, better) - macro_f1(labels, reference))
    )
    assert 0 < gain.interval[0] < gain.points < gain.interval[1]
    nothing = macro_f1_gain(labels, reference, reference)
    assert (nothing.points, nothing.interval) == (0.0, (0.0, 0.0))
    assert macro_f1_gain(labels, reference, better).points == -gain.points


def test_rows_of_one_film_are_resampled_together() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (50, 3)).astype(np.uint8)
    probabilities = rng.random((50, 3))
    once, twice, together = (
        score_predictions(
            np.repeat(labels, count, axis=0),
            np.repeat(probabilities, count, axis=0),
            np.full(3, 0.5),
            "abc",
            films=films,
        )
        for count, films in (
            (1, None),
            (2, None),
            (2, np.repeat(np.arange(50), 2).astype(np.uint64)),
        )
    )
    assert together.macro_f1_interval == pytest.approx(once.macro_f1_interval)
    widths = [interval[1] - interval[0] for interval in (once.map_interval, twice.map_interval)]
    assert widths[1] < 0.85 * widths[0]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_interval_of_a_gain_contains_it_with_genres_of_one_film(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.zeros((40, 30), dtype=np.int64)
    labels[random.integers(0, 40, 30), np.arange(30)] = 1
    gain = macro_f1_gain(labels, labels, labels & (random.random((40, 30)) < 0.5))
    assert gain.interval[0] <= gain.points <= gain.interval[1]
