"""The options of a run: their values are checked, and they can be given by flat names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genre_batch.errors import UsageError
from genre_batch.options import flat_values, from_flat_values
from genre_batch.training.options import (
    ModelOptions,
    OptimizationOptions,
    TrainingOptions,
    TrainJob,
)


def test_options_are_changed_by_flat_names() -> None:
    options = TrainingOptions().changed(epochs=2, pooling="first", recombined=1, seed=3)
    assert options.optimization.epochs == 2
    assert options.model == ModelOptions(pooling="first")
    assert options.distillation.recombined == 1.0
    assert options.seed == 3
    assert options.changed(epochs=4, pooling="mean", recombined=0.0, seed=0) == TrainingOptions()


def test_an_option_that_does_not_exist_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="no training option epoch, layer"):
        TrainingOptions().changed(epoch=2, layer=1)


def test_the_flat_names_are_those_of_runs_begun_earlier() -> None:
    assert set(flat_values(TrainingOptions())) == {
        *("epochs", "batch_size", "learning_rate", "head_multiplier", "warmup", "weight_decay"),
        *("max_length", "pooling", "layers", "ffn_width", "loss", "sampling", "layer_decay"),
        *("freeze_layers", "averaging", "keep", "masking", "teacher_weight", "recombined"),
        *("align_epochs", "attention_dropout", "title_dropout", "activation", "seed"),
    }


def test_a_job_is_made_of_its_flat_values() -> None:
    job = TrainJob("films.csv", Path("run"), options=TrainingOptions().changed(epochs=2))
    assert from_flat_values(TrainJob, flat_values(job)) == job


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", 0, r"an integer \(1 or more\)"),
        ("epochs", 2.5, r"an integer \(1 or more\)"),
        ("epochs", True, r"an integer \(1 or more\)"),
        ("epochs", None, r"an integer \(1 or more\)"),
        ("learning_rate", 0, r"a number \(above 0\)"),
        ("learning_rate", "high", r"a number \(above 0\)"),
        ("head_multiplier", float("inf"), r"a number \(0 or more\)"),
        ("masking", 1.0, r"a number \(0 or more and below 1\)"),
        ("masking", float("nan"), r"a number \(0 or more and below 1\)"),
        ("layer_decay", 0.0, r"a number \(above 0 and at most 1\)"),
        ("teacher_weight", 1.1, r"a number \(0 or more and at most 1\)"),
        ("layers", 0, r"an integer \(1 or more\)"),
        ("keep", "bset", "one of last, best"),
        ("pooling", 1, "one of mean, first"),
    ],
)
def test_a_value_out_of_range_is_a_usage_error(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(UsageError, match=f"^`{name}` must be {allowed}, got {value!r}$"):
        TrainingOptions().changed(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("protocol", "dirty", "one of clean, paper"),
        ("thresholds", "f2", "one of f1, "),
        ("with_title", "yes", "true or false"),
        ("teachers", "run", "a list of strings"),
        ("base_model", None, "a string"),
    ],
)
def test_a_job_s_values_are_checked_too(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(UsageError, match=f"^`{name}` must be {allowed}"):
        TrainJob("films.csv", "run", **{name: value})


def test_none_is_allowed_where_it_is_the_default() -> None:
    assert OptimizationOptions(learning_rate=None) == OptimizationOptions()


def test_the_learning_rate_follows_the_encoder_s_width_unless_given() -> None:
    assert [OptimizationOptions().rate_for(width) for width in (384, 768)] == [1.5e-4, 5e-5]
    assert OptimizationOptions(learning_rate=1e-3).rate_for(768) == 1e-3
