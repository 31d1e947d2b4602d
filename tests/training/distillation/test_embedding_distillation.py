"""Embedding distillation: an encoder learns a larger one's vectors before it learns genres."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import TrainingError, UsageError
from genre_batch.runs.folder import RunFolder
from genre_batch.training.distillation import embedding_distillation
from genre_batch.training.distillation.embedding_distillation import (
    EmbeddingTeacher,
    distill_embeddings,
)
from genre_batch.training.distillation.teachers import load_teacher
from genre_batch.training.encoder.base_model import load_base_model, load_checkpoint
from genre_batch.training.options import ModelOptions, TrainingOptions, TrainJob
from genre_batch.training.run import train
from support.training import InterruptionError, interrupt_at

MakeJob = Callable[..., TrainJob]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a rate at which the tiny encoder learns in a few steps."""
    monkeypatch.setattr(embedding_distillation, "ALIGN_RATE", 3e-3)


@pytest.fixture
def short(options: TrainingOptions) -> TrainingOptions:
    """Options with four epochs of embedding distillation and one of fine-tuning."""
    return options.changed(epochs=1, align_epochs=4, masking=0.05)


def _explained(folder: RunFolder) -> list[float]:
    lines = folder.alignment_log.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["development_explained"] for line in lines]


def test_more_is_explained_after_the_last_epoch_than_after_the_first(
    base_model: Path, tiny_bert: Path, films: Dataset, short: TrainingOptions, tmp_path: Path
) -> None:
    teacher = EmbeddingTeacher.load(tiny_bert, 32)
    model, tokenizer = load_base_model(base_model, films.names, ModelOptions())
    head = {name: value.clone() for name, value in model.classifier.state_dict().items()}
    parts = films.part("train"), films.part("dev")
    folder = RunFolder(tmp_path)
    distill_embeddings(model, tokenizer, teacher, *parts, short, folder)
    shares = _explained(folder)
    assert len(shares) == 4
    assert shares[-1] > shares[0] + 0.02
    assert shares[-1] < 1
    for name, value in model.classifier.state_dict().items():
        np.testing.assert_array_equal(value, head[name])
    layers = [layer for layer in model.base_model.modules() if isinstance(layer, torch.nn.Dropout)]
    assert any(layer.p > 0 for layer in layers)  # it is only disabled during distillation


def test_what_is_explained_is_a_share_of_the_variance(
    base_model: Path, films: Dataset, short: TrainingOptions, tmp_path: Path
) -> None:
    """An encoder explains itself: the first projection reproduces its vectors."""
    model, tokenizer = load_base_model(base_model, films.names, ModelOptions())
    parts = films.part("train"), films.part("dev")
    itself = EmbeddingTeacher.load(str(base_model), 32)
    still = short.changed(align_epochs=1, masking=0.0, title_dropout=0.0)
    distill_embeddings(model, tokenizer, itself, *parts, still, RunFolder(tmp_path))
    assert _explained(RunFolder(tmp_path))[0] > 0.9


def test_labels_are_not_read(
    base_model: Path, tiny_bert: Path, films: Dataset, short: TrainingOptions, tmp_path: Path
) -> None:
    teacher = EmbeddingTeacher.load(tiny_bert, 32)
    unlabeled = replace(films, labels=np.zeros_like(films.labels))
    states = []
    for name, some in (("a", films), ("b", unlabeled)):
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir()
        model, tokenizer = load_base_model(base_model, films.names, ModelOptions())
        parts = some.part("train"), some.part("dev")
        distill_embeddings(model, tokenizer, teacher, *parts, short, folder)
        states.append(model.state_dict())
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])


@pytest.mark.parametrize(("stage", "step"), [("aligning", 20), ("aligning", 3), ("training", 5)])
def test_an_interrupted_run_is_resumed_to_the_same_weights(
    job: MakeJob,
    tiny_bert: Path,
    short: TrainingOptions,
    tmp_path: Path,
    stage: str,
    step: int,
) -> None:
    whole = train(job(tmp_path / "whole", align_to=str(tiny_bert), options=short)).folder
    interrupted = job(tmp_path / "interrupted", align_to=str(tiny_bert), options=short)
    with pytest.raises(InterruptionError):
        train(interrupted, interrupt_at(stage, step))
    stages: list[str] = []
    folder = train(
        replace(interrupted, resume=True), lambda done, total, what: stages.append(what)
    ).folder
    assert "computing the vectors" not in stages
    assert ("aligning" in stages) == (stage == "aligning")
    weights, expected = (load_checkpoint(run)[0].state_dict() for run in (folder, whole))
    for name, value in weights.items():
        np.testing.assert_array_equal(value, expected[name])
    assert _explained(RunFolder(folder)) == _explained(RunFolder(whole))
    assert not RunFolder(folder).checkpoints.exists()


def test_the_run_says_what_it_was_aligned_to(
    job: MakeJob,
    tiny_bert: Path,
    short: TrainingOptions,
    run: Path,
    films: Dataset,
    tmp_path: Path,
) -> None:
    folder = RunFolder(train(job(tmp_path / "run", align_to=str(tiny_bert), options=short)).folder)
    provenance = folder.read_json(folder.provenance)
    assert provenance["aligned_to"] == tiny_bert.name
    assert provenance["options"]["align_epochs"] == 4
    assert "Embedding distillation" in folder.report.read_text(encoding="utf-8")
    assert load_teacher(folder.path, films).record["aligned_to"] == tiny_bert.name
    before = RunFolder(run)
    assert before.read_json(before.provenance)["aligned_to"] is None
    assert not before.alignment_log.exists()


def test_a_run_begun_without_it_cannot_be_resumed_with_it(
    job: MakeJob, tiny_bert: Path, short: TrainingOptions, tmp_path: Path
) -> None:
    begun = job(tmp_path / "run", options=short)
    train(begun)
    with pytest.raises(TrainingError, match=r"`align_to` is .* here and not set in the run"):
        train(replace(begun, align_to=str(tiny_bert), resume=True))


def test_an_encoder_that_is_not_there_is_named(
    job: MakeJob, short: TrainingOptions, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"`align_to`: no such folder: \./nowhere"):
        train(job(tmp_path / "run", align_to="./nowhere", options=short))
    with pytest.raises(TrainingError, match=r"cannot be loaded .* `align_to` minilm"):
        train(job(tmp_path / "run", align_to="nobody/nothing", options=short))
    assert not (tmp_path / "run").exists()
