"""Exponential moving average of the weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genre_batch.training.loop.ema import ExponentialMovingAverage


def _model(value: float) -> torch.nn.Linear:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, value)
    return model


def test_the_average_follows_the_weights_with_its_decay() -> None:
    model = _model(1.0)
    average = ExponentialMovingAverage(model, 0.9)
    torch.nn.init.constant_(model.weight, 2.0)
    average.update(1_000_000)
    with average.in_place():
        assert model.weight.item() == pytest.approx(0.9 * 1 + 0.1 * 2)
    assert model.weight.item() == 2.0


def test_early_steps_forget_the_initial_weights_fast() -> None:
    model = _model(0.0)
    average = ExponentialMovingAverage(model, 0.999)
    torch.nn.init.constant_(model.weight, 1.0)
    average.update(1)
    average.swap()
    assert model.weight.item() == pytest.approx(1 - 2 / 11)


def test_the_average_is_saved_and_restored(tmp_path: Path) -> None:
    saved = ExponentialMovingAverage(_model(3.0), 0.9)
    saved.save(tmp_path)
    model = _model(5.0)
    other = ExponentialMovingAverage(model, 0.9)
    other.restore(tmp_path)
    other.swap()
    assert model.weight.item() == 3.0
