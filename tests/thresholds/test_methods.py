"""Every method of the registry keeps the signature, and can be selected by its name."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings

from genre_batch.cli.decision_options import DEFAULT_METHOD as OFFERED_DEFAULT
from genre_batch.cli.decision_options import THRESHOLD_METHODS
from genre_batch.thresholds.methods import (
    DEFAULT_METHOD,
    DEFAULT_THRESHOLD,
    METHODS,
    find_thresholds,
)
from support.places import ROOT
from support.thresholds import CASES, Case, random_case

PROBABILITIES = np.array([[0.9, 0.1, 0.3], [0.2, 0.8, 0.4]])
LABELS = np.array([[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10, deadline=None)
@given(case=CASES)
def test_every_method_gives_one_float_per_genre_and_the_same_each_time(
    method: str, case: Case
) -> None:
    thresholds = find_thresholds(method, *case)
    assert thresholds.shape == (2,)
    assert thresholds.dtype == np.float64
    assert ((thresholds >= 0) & (thresholds <= 1)).all()
    assert (find_thresholds(method, *case) == thresholds).all()


@pytest.mark.parametrize(
    "method", [name for name in METHODS if name != "f1-shrunk" and "anneal" not in name]
)
def test_a_genre_without_a_positive_keeps_the_default(method: str) -> None:
    probabilities, labels = random_case(1, 30, 2)
    probabilities = 0.2 + 0.01 * probabilities  # the limit of few_positives.py is below 0.5
    probabilities[:, 1] /= 10
    labels[:, 1] = 0
    assert METHODS[method](probabilities, labels)[1] == DEFAULT_THRESHOLD


@pytest.mark.parametrize("method", METHODS)
def test_every_method_works_on_two_rows(method: str) -> None:
    thresholds = find_thresholds(method, PROBABILITIES, LABELS)
    assert thresholds.shape == (3,)
    assert thresholds.dtype == np.float64
    assert ((thresholds >= 0) & (thresholds <= 1)).all()


def test_f1_is_the_exact_method_and_fixed_half_is_fixed() -> None:
    case = PROBABILITIES[:, :2], LABELS[:, :2]
    assert find_thresholds("f1", *case) == pytest.approx([0.55, 0.45])
    assert find_thresholds("fixed-0.5", *case).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (3,), (2, 3, 1)])
def test_labels_of_another_shape_are_refused(method: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"matrices of the same shape, got \(2, 3\) and"):
        find_thresholds(method, PROBABILITIES, np.zeros(shape, dtype=int))


def test_a_single_column_given_flat_is_refused() -> None:
    with pytest.raises(ValueError, match="matrices of the same shape"):
        find_thresholds("f1", PROBABILITIES[:, 0], LABELS[:, 0])


def test_the_command_line_offers_every_method() -> None:
    assert tuple(METHODS) == THRESHOLD_METHODS
    assert OFFERED_DEFAULT == DEFAULT_METHOD


def test_the_guide_has_a_row_for_every_method() -> None:
    guide = (ROOT / "docs" / "guides" / "thresholds.md").read_text(encoding="utf-8")
    rows = "".join(re.findall(r"^\| (.+?) \|", guide, re.MULTILINE))
    assert [name for name in METHODS if f"`{name}`" not in rows] == []
