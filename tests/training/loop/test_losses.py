"""Each loss has its paper's formula and the properties it is used for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.training.loop.losses import BETA, make_loss
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
