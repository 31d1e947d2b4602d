"""Each way to find thresholds does what its source says, checked against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.thresholds.anneal import STEP, annealed
from genre_batch.thresholds.confusion import GRID, count_on_grid
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.mcc import mcc_grid
from genre_batch.thresholds.methods import DEFAULT_THRESHOLD, METHODS
from genre_batch.thresholds.regularized_f1 import SHRINKAGES, _shrunk, f1_floor, f1_shrunk
from genre_batch.thresholds.search import beam_search, genetic

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
CASES = st.integers(0, 2**32 - 1).map(lambda seed: _case(seed, 20, 2))


def _case(seed: int, rows: int, genres: int) -> tuple[Floats, Labels]:
    """Probabilities, some of them on the grid, and labels that follow them loosely."""
    random = np.random.default_rng(seed)
    probabilities = np.round(random.random((rows, genres)), random.integers(1, 4))
    return probabilities, (random.random((rows, genres)) < probabilities).astype(np.int64)


def _f1(predicted: npt.NDArray[np.bool_], truth: Labels) -> float:
    hits = int((predicted & (truth == 1)).sum())
    return 2 * hits / max(1, int(predicted.sum()) + int(truth.sum()))


def _macro_f1(predicted: npt.NDArray[np.bool_], truth: Labels) -> float:
    return float(np.mean([_f1(*columns) for columns in zip(predicted.T, truth.T, strict=True)]))


def _mcc(predicted: npt.NDArray[np.bool_], truth: Labels) -> float:
    if predicted.all() or not predicted.any() or truth.all() or not truth.any():
        return 0.0
    return float(np.corrcoef(predicted.astype(float), truth.astype(float))[0, 1])


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=10, deadline=None)
@given(case=CASES)
def test_every_method_gives_a_threshold_a_genre_and_the_same_each_time(
    name: str, case: tuple[Floats, Labels]
) -> None:
    thresholds = METHODS[name](*case)
    assert thresholds.shape == (2,)
    assert thresholds.dtype == np.float64
    assert ((thresholds >= 0) & (thresholds <= 1)).all()
    assert (METHODS[name](*case) == thresholds).all()


@pytest.mark.parametrize(
    "name", [name for name in METHODS if name != "f1-shrunk" and "anneal" not in name]
)
def test_a_genre_without_a_positive_keeps_the_default(name: str) -> None:
    probabilities, labels = _case(1, 30, 2)
    labels[:, 1] = 0
    assert METHODS[name](probabilities, labels)[1] == DEFAULT_THRESHOLD


@settings(deadline=None)
@given(CASES)
def test_counts_are_those_of_each_threshold(case: tuple[Floats, Labels]) -> None:
    probabilities, labels = case
    counts = count_on_grid(probabilities, labels)
    for at, genre in itertools.product((0, 30, 49, 98), range(2)):
        predicted, truth = probabilities[:, genre] >= GRID[at], labels[:, genre]
        assert counts.tp[genre, at] == (predicted & (truth == 1)).sum()
        assert counts.fp[genre, at] == (predicted & (truth == 0)).sum()
        assert counts.fn[genre, at] == (~predicted & (truth == 1)).sum()
        assert counts.tn[genre, at] == (~predicted & (truth == 0)).sum()
        assert counts.f1()[genre, at] == pytest.approx(_f1(predicted, truth))
        assert counts.mcc()[genre, at] == pytest.approx(_mcc(predicted, truth), abs=1e-9)


@settings(deadline=None)
@given(CASES)
def test_the_mcc_grid_finds_the_largest_correlation_on_it(case: tuple[Floats, Labels]) -> None:
    probabilities, labels = case
    for threshold, scores, truth in zip(
        mcc_grid(probabilities, labels), probabilities.T, labels.T, strict=True
    ):
        if truth.any():
            best = max(_mcc(scores >= other, truth) for other in GRID)
            assert _mcc(scores >= threshold, truth) == pytest.approx(best, abs=1e-9)


def _annealed_by_hand(
    probabilities: Floats, labels: Labels, passes: int, decay: bool
) -> list[float]:
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
def test_annealing_raises_for_a_false_positive_and_lowers_for_a_miss(
    case: tuple[Floats, Labels], passes: int, decay: bool
) -> None:
    by_hand = _annealed_by_hand(*case, passes, decay)
    assert annealed(*case, passes=passes, decay=decay).tolist() == pytest.approx(by_hand, abs=1e-9)


def test_annealing_comes_to_rest_where_a_genre_is_predicted_as_often_as_it_is_there() -> None:
    probabilities, labels = _case(3, 4000, 2)
    thresholds = annealed(probabilities * 0.6, labels, passes=10)
    predicted = (probabilities * 0.6 >= thresholds).mean(axis=0)
    assert predicted == pytest.approx(labels.mean(axis=0), abs=0.02)


@settings(max_examples=20, deadline=None)
@given(CASES)
def test_no_joint_search_beats_the_best_of_each_genre(case: tuple[Floats, Labels]) -> None:
    probabilities, labels = case
    best = _macro_f1(probabilities >= f1_optimal(probabilities, labels), labels)
    on_grid = max(
        _macro_f1(probabilities >= np.array(pair), labels)
        for pair in itertools.product(GRID[::7], repeat=2)
    )
    for method in (beam_search, genetic):
        found = _macro_f1(probabilities >= method(probabilities, labels), labels)
        assert found <= best + 1e-9
        assert found >= on_grid - 0.1


@pytest.mark.parametrize("method", [beam_search, genetic])
def test_a_joint_search_comes_near_the_best_there_is(method: object) -> None:
    probabilities, labels = _case(5, 800, 6)
    best = _macro_f1(probabilities >= f1_optimal(probabilities, labels), labels)
    found = _macro_f1(probabilities >= method(probabilities, labels), labels)  # type: ignore[operator]
    assert best - 0.02 < found <= best + 1e-9


def test_shrinkage_draws_a_rare_genre_further_than_a_common_one() -> None:
    probabilities, labels = _case(7, 400, 2)
    labels[:, 1] = 0
    labels[:3, 1] = 1
    own, shared = _shrunk(probabilities, labels, 0.0), _shrunk(probabilities, labels, 1e9)
    assert own.tolist() == f1_optimal(probabilities, labels).tolist()
    assert shared[0] == pytest.approx(shared[1], abs=1e-6)
    drawn = (_shrunk(probabilities, labels, 20.0) - own) / (shared - own)
    assert drawn[1] == pytest.approx(20 / 23, abs=1e-6)
    assert drawn[0] < 0.1


def test_shrinkage_is_one_of_those_tried() -> None:
    probabilities, labels = _case(8, 200, 3)
    found = f1_shrunk(probabilities, labels).tolist()
    assert found in [_shrunk(probabilities, labels, k).tolist() for k in SHRINKAGES]


def test_a_genre_that_cannot_be_predicted_is_predicted_rarely() -> None:
    random = np.random.default_rng(0)
    probabilities, labels = _case(9, 600, 2)
    probabilities[:, 1] = random.random(600)
    labels[:, 1] = random.random(600) < 0.03
    plain = probabilities >= f1_optimal(probabilities, labels)
    cautious = probabilities >= f1_floor(probabilities, labels)
    assert cautious[:, 1].sum() <= plain[:, 1].sum()
    assert _f1(cautious[:, 0], labels[:, 0]) == pytest.approx(
        _f1(plain[:, 0], labels[:, 0]), abs=0.03
    )
