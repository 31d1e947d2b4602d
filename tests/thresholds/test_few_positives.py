"""Genres with few positives are never predicted on most rows, whatever the method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.odds import sigmoid
from genre_batch.thresholds.conditional import conditional
from genre_batch.thresholds.few_positives import FEW_POSITIVES, raise_thresholds
from genre_batch.thresholds.methods import METHODS, find_thresholds
from genre_batch.thresholds.operating_points import OPERATING_POINTS
from support.thresholds import Case, Floats

ROWS = 60


def _with_positives(
    seed: int, positives: int, genres: int, scale: float, rows: int = ROWS
) -> tuple[Case, Floats]:
    """Draw genres whose positives rank at random, and the probabilities of 3,000 other rows."""
    random = np.random.default_rng(seed)
    middles = random.normal(-1, 1, genres)
    probabilities = 1 / (1 + np.exp(-random.normal(middles, scale, (rows + 3000, genres))))
    labels = np.zeros((rows, genres), dtype=np.int64)
    for genre in range(genres):
        labels[random.permutation(rows)[:positives], genre] = 1
    return (probabilities[:rows], labels), probabilities[rows:]


@pytest.mark.parametrize("method", [*METHODS, *OPERATING_POINTS])
@pytest.mark.parametrize("positives", range(FEW_POSITIVES))
@pytest.mark.parametrize("scale", [0.02, 0.5, 3.0])
def test_no_method_predicts_a_genre_with_few_positives_on_most_rows(
    method: str, positives: int, scale: float
) -> None:
    case, others = _with_positives(positives, positives, 8, scale)
    find = METHODS.get(method) or OPERATING_POINTS[method]
    thresholds = find(*case)
    shares = (others >= thresholds).mean(axis=0)
    assert shares.max() <= (0.01 if positives <= 1 else 0.25)
    predicted = (case[0] >= thresholds) & (case[1] == 0)
    assert (predicted.sum(axis=0) <= positives).all()


def _normal(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    return random.normal(size=size)


def _heavy_tailed(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    return np.asarray(random.standard_t(5, size=size))


def _skewed(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    return np.exp(random.normal(0, 0.5, size=size))


def _of_two_kinds(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    """One row in a hundred ranks far above all others."""
    return random.normal(size=size) + 5 * (random.random(size) < 0.01)


@pytest.mark.parametrize("draw", [_normal, _heavy_tailed, _skewed, _of_two_kinds])
@pytest.mark.parametrize("rows", [12, 20, 60, 400])
def test_a_genre_without_a_positive_is_predicted_on_one_row_in_a_hundred_at_most(
    draw: Callable[[np.random.Generator, tuple[int, int]], Floats], rows: int
) -> None:
    """The film of a genre of one film is in the training part, so dev has none."""
    shares = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        spread = np.exp(random.normal(0, 0.4, 33))
        probabilities = sigmoid(-4 + spread * draw(random, (rows + 3000, 33)))
        labels = np.zeros((rows, 33), dtype=np.int64)
        labels[:, :3] = random.random((rows, 3)) < 0.3
        thresholds = METHODS["f1"](probabilities[:rows], labels)
        shares.append((probabilities[rows:, 3:] >= thresholds[3:]).mean(axis=0).max())
    assert max(shares) <= 0.01


@pytest.mark.parametrize("rows", [20, 30, 60, 400])
def test_a_genre_of_one_positive_on_few_rows_is_predicted_on_one_row_in_a_hundred_at_most(
    rows: int,
) -> None:
    shares = []
    for seed in range(10):
        (probabilities, labels), others = _with_positives(seed, 1, 30, 1.0, rows)
        shares.append((others >= METHODS["f1"](probabilities, labels)).mean(axis=0).max())
    assert max(shares) <= 0.01


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_a_table_of_a_handful_of_rows_has_limits_too(rows: int) -> None:
    (probabilities, labels), others = _with_positives(0, 0, 4, 1.0, rows)
    thresholds = METHODS["f1"](probabilities, labels)
    assert ((thresholds > 0) & (thresholds <= 1)).all()
    assert (others >= thresholds).mean() <= 0.01


def test_a_film_that_the_model_is_sure_of_passes_the_limit_of_a_genre_without_a_positive() -> None:
    random = np.random.default_rng(0)
    probabilities = 0.001 + 0.0005 * random.random((ROWS, 3))
    thresholds = METHODS["f1"](probabilities, np.zeros((ROWS, 3), dtype=np.int64))
    assert (thresholds < 0.9).all()


def test_conditional_thresholds_of_a_genre_with_one_positive_are_limited() -> None:
    (probabilities, labels), others = _with_positives(0, 20, 4, 1.0)
    labels[:, 0] = 0
    labels[np.argsort(probabilities[:, 0])[10], 0] = 1
    found = conditional(probabilities, labels)
    assert found.predict(others)[:, 0].mean() <= 0.01


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_genre_whose_probabilities_are_all_equal_is_not_predicted_everywhere(
    value: float,
) -> None:
    probabilities = np.full((40, 2), value, dtype=np.float32)
    labels = np.zeros((40, 2), dtype=np.int64)
    labels[0, 0] = labels[:20, 1] = 1
    thresholds = METHODS["f1"](probabilities, labels)
    assert (probabilities >= thresholds)[:, 0].any() == (value == 1)
    assert thresholds.max() <= 1


def test_a_clear_positive_is_still_predicted() -> None:
    """Its log odds are further from the highest negative than that is from the median."""
    random = np.random.default_rng(0)
    probabilities = 0.1 * random.random((ROWS, 3))
    labels = np.zeros((ROWS, 3), dtype=np.int64)
    labels[7] = 1
    probabilities[7] = 0.9
    assert (probabilities >= METHODS["f1"](probabilities, labels))[7].all()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.sampled_from([1, 2, 3]))
def test_thresholds_only_rise_and_only_those_of_genres_with_few_positives(
    seed: int, positives: int, digits: int
) -> None:
    (probabilities, labels), _ = _with_positives(seed, positives, 3, 2.0)
    before = np.random.default_rng(seed).random(3)
    before[2] = np.inf
    after = raise_thresholds(before, np.round(probabilities, digits), labels)
    assert (after >= before).all()
    assert (after[:2] <= 1).all()
    assert np.isinf(after[2])
    if positives >= FEW_POSITIVES:
        assert (after == before).all()


def test_a_genre_without_a_negative_keeps_its_threshold() -> None:
    probabilities, labels = np.full((3, 1), 0.7), np.ones((3, 1), dtype=np.int64)
    assert raise_thresholds(np.array([0.2]), probabilities, labels).tolist() == [0.2]


@pytest.mark.parametrize("method", [*METHODS, *OPERATING_POINTS])
def test_the_wordings_of_one_film_are_one_positive(method: str) -> None:
    case, others = _with_positives(7, 6, 8, 3.0)
    probabilities, labels = case
    films = np.arange(ROWS, dtype=np.uint64)
    for genre in range(8):
        films[labels[:, genre] == 1] = 1000
    find = METHODS.get(method) or OPERATING_POINTS[method]
    assert (others >= METHODS["f1"](probabilities, labels)).mean(axis=0).max() > 0.01
    assert (others >= find(probabilities, labels, films)).mean(axis=0).max() <= 0.01


@pytest.mark.parametrize("method", METHODS)
def test_films_of_one_wording_each_count_like_rows(method: str) -> None:
    (probabilities, labels), _ = _with_positives(3, 12, 4, 1.0)
    labels[:, 0] = 0
    labels[5, 0] = 1
    films = np.random.default_rng(0).integers(0, 2**63, ROWS).astype(np.uint64)
    expected = find_thresholds(method, probabilities, labels)
    assert find_thresholds(method, probabilities, labels, films).tolist() == expected.tolist()
