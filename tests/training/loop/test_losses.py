"""Each loss has its paper's formula and the properties it is used for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.training.loop.losses import (
    BETA,
    MOST_CONSTANT,
    Loss,
    Objective,
    best_constants,
    make_loss,
)
from genre_batch.training.options import LOSSES

LABELS = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], dtype=np.uint8)
logit = st.floats(-20, 20, width=32)


def _of(name: str, logits: list[list[float]], labels: list[list[float]]) -> float:
    return float(make_loss(name, LABELS)(torch.tensor(logits), torch.tensor(labels)))


@given(logit, st.sampled_from([0.0, 1.0]))
def test_focal_loss_is_its_paper_s_formula(value: float, label: float) -> None:
    right = 1 / (1 + np.exp(-value if label else value))
    expected = -((1 - right) ** 2) * np.log(right)
    assert _of("focal", [[value]], [[label]]) == pytest.approx(expected, rel=1e-3, abs=1e-6)


@given(logit, st.sampled_from([0.0, 1.0]))
def test_asymmetric_loss_is_its_paper_s_formula(value: float, label: float) -> None:
    present = 1 / (1 + np.exp(-value))
    shifted = max(present - 0.05, 0.0)
    expected = -np.log(present) if label else -(shifted**4) * np.log(1 - shifted)
    assert _of("asymmetric", [[value]], [[label]]) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_class_balanced_loss_weighs_the_films_that_have_a_rare_genre() -> None:
    zero = [[0.0, 0.0]]
    common = _of("class-balanced", zero, [[1.0, 0.0]])
    rare = _of("class-balanced", zero, [[0.0, 1.0]])
    weight = (1 - BETA**3) / (1 - BETA)  # three films have the first genre, one the second
    assert common == pytest.approx(np.log(2))
    assert rare == pytest.approx((1 + weight) / 2 * np.log(2))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_finite_everywhere_and_falls_towards_the_labels(name: str) -> None:
    loss = make_loss(name, LABELS)
    labels = torch.tensor([[1.0, 0.0]])
    logits = torch.tensor([[-80.0, 80.0]], requires_grad=True)
    value = loss(logits, labels)
    value.backward()
    assert torch.isfinite(value)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    right = loss(torch.tensor([[9.0, -9.0]]), labels)
    assert right < loss(torch.tensor([[0.0, 0.0]]), labels) < value


SHARES = np.array([0.5, 0.2, 0.01, 0.9], dtype=np.float32)


def _of_a_constant(loss: Loss, genre: int, logit: float) -> float:
    """Return the loss of one logit for all films and genres, of which only one counts."""
    films = torch.zeros(2, len(SHARES))
    films[:, genre] = torch.tensor([SHARES[genre], 1 - SHARES[genre]])
    labels = torch.tensor([[1.0], [0.0]]).expand_as(films)
    return float(loss(torch.full_like(films, logit), labels, films))


@pytest.mark.parametrize("name", LOSSES)
def test_no_constant_has_a_lower_loss_than_the_best_one(name: str) -> None:
    loss = make_loss(name, (np.arange(400).reshape(100, 4) < [[200, 80, 4, 360]]).astype(np.uint8))
    for genre, best in enumerate(best_constants(loss, SHARES).tolist()):
        at_best = _of_a_constant(loss, genre, best)
        for other in np.arange(-7, 7, 0.25).tolist():
            assert at_best <= _of_a_constant(loss, genre, other) + 1e-6


def test_the_best_constants_of_bce_are_log_odds_within_bounds() -> None:
    shares = np.array([0.2, 0.0, 1.0, np.nan], dtype=np.float32)
    best = best_constants(make_loss("bce", LABELS), shares).tolist()
    assert best[0] == pytest.approx(np.log(0.2 / 0.8), abs=1e-3)
    assert best[1:3] == pytest.approx([-MOST_CONSTANT, MOST_CONSTANT], abs=1e-3)
    assert best[3] == 0


@pytest.mark.parametrize("name", LOSSES)
def test_a_film_counts_by_its_weight(name: str) -> None:
    loss = make_loss(name, LABELS)
    logits, labels = torch.tensor([[1.0, -2.0], [0.5, 3.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    each = [float(loss(logits[[film]], labels[[film]])) for film in (0, 1)]
    weighted = float(loss(logits, labels, torch.tensor([[0.25], [2.0]])))
    assert weighted == pytest.approx((0.25 * each[0] + 2 * each[1]) / 2)
    assert loss(logits, labels, torch.ones(2, 1)) == loss(logits, labels)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 2.0])])
def test_nothing_is_learned_of_a_masked_genre_without_teachers(
    name: str, weights: torch.Tensor | None
) -> None:
    objective = Objective(make_loss(name, LABELS), 0.7, partial=True)
    logits = torch.zeros(2, 2, requires_grad=True)
    labels = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])
    objective(logits, labels, weights=weights).backward()
    assert logits.grad is not None
    assert (logits.grad == 0).tolist() == [[False, True], [False, False]]


def test_a_masked_genre_is_taught_by_the_teachers_alone() -> None:
    objective = Objective(make_loss("bce", LABELS), 0.7, partial=True)
    targets, logits = torch.tensor([[0.3, 0.9]]), torch.zeros(1, 2, requires_grad=True)
    objective(logits, torch.tensor([[1.0, float("nan")]]), targets).backward()
    assert logits.grad is not None
    # The gradient of binary cross-entropy at 0 is 0.5 less the label, here over two entries.
    mixed = 0.7 * 0.3 + 0.3 * 1.0
    assert logits.grad.tolist()[0] == pytest.approx([(0.5 - mixed) / 2, (0.5 - 0.9) / 2], rel=1e-5)


def test_weights_apply_to_labels_and_teachers_alike() -> None:
    objective = Objective(make_loss("bce", LABELS), 0.7)
    logits, labels = torch.tensor([[1.0, -1.0]]), torch.tensor([[1.0, 0.0]])
    targets = torch.tensor([[0.3, 0.9]])
    whole = float(objective(logits, labels, targets))
    assert float(objective(logits, labels, targets, torch.tensor([0.25]))) == pytest.approx(
        0.25 * whole
    )
