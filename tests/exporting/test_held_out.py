"""The loss of an export against its checkpoint, on the held-out films."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genre_batch.dataset.dataset import Dataset
from genre_batch.evaluation.metrics import macro_f1
from genre_batch.exporting.held_out import HeldOut


@pytest.fixture
def held_out(films: Dataset) -> HeldOut:
    """Make a checkpoint whose probabilities follow the labels, and an equal export."""
    held_out = films.part("dev", "test")
    noise = np.random.default_rng(0).random(held_out.labels.shape, dtype=np.float32)
    probabilities = (0.5 * held_out.labels + 0.5 * noise).astype(np.float32)
    return HeldOut(held_out, probabilities, probabilities.copy())


def test_an_equal_export_loses_nothing(held_out: HeldOut) -> None:
    thresholds = np.full(len(held_out.films.names), 0.5)
    assert held_out.cross_fitted_loss("f1").points == 0
    assert held_out.loss(thresholds, "dev", "test") == 0
    assert held_out.difference == 0


def test_an_export_that_predicts_nothing_loses_all_points(held_out: HeldOut) -> None:
    thresholds = np.full(len(held_out.films.names), 0.5)
    silent = replace(held_out, export=np.zeros_like(held_out.export))
    in_part = np.isin(held_out.films.parts, "test")
    score = macro_f1(held_out.films.labels[in_part], held_out.checkpoint[in_part] >= thresholds)
    assert silent.loss(thresholds, "test") == pytest.approx(100 * score)
    assert silent.cross_fitted_loss("f1").interval[0] > 0
    assert silent.difference == pytest.approx(held_out.checkpoint.mean())


def test_test_films_do_not_count_in_the_cross_fitted_loss(held_out: HeldOut) -> None:
    export = held_out.export.copy()
    export[np.isin(held_out.films.parts, "test")] = 0
    assert replace(held_out, export=export).cross_fitted_loss("f1").points == 0
    assert len(held_out.of_part("test")) == held_out.films.parts.count("test")


def test_the_interval_of_a_loss_on_few_films_is_wide(held_out: HeldOut) -> None:
    rng = np.random.default_rng(1)
    noisy = held_out.checkpoint + rng.normal(0, 0.2, held_out.checkpoint.shape)
    few = replace(held_out, export=noisy.clip(0, 1).astype(np.float32))
    loss = few.cross_fitted_loss("f1")
    low, high = loss.interval
    assert low <= loss.points <= high
    assert high - low > 2
