"""Outputs of frozen layers are computed once; training gives the same model as without that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from genre_batch.dataset.dataset import Dataset
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder import frozen_features
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.encoder.frozen_features import FrozenLayers
from genre_batch.training.encoder.inference import predict, token_ids
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import ModelOptions, TrainingOptions
from support.training import InterruptionError, interrupt_at


def _load(folder: Path, films: Dataset) -> tuple[PooledClassifier, PreTrainedTokenizerFast]:
    model, tokenizer = load_base_model(folder, films.names, ModelOptions())
    assert isinstance(model, PooledClassifier)
    # What is drawn in training cannot be the same with and without the frozen layers.
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model, tokenizer


def test_the_model_reads_vectors_as_it_reads_their_texts(
    tiny_bert: Path, films: Dataset, tmp_path: Path
) -> None:
    model, tokenizer = _load(tiny_bert, films)
    model.eval()
    (ids,) = token_ids(films.texts[:1], tokenizer, 32)
    mask = torch.ones(1, len(ids), dtype=torch.int64)
    frozen = FrozenLayers(model, 1)
    vectors = frozen.vectors([ids], tmp_path / "vectors")[0]
    with torch.inference_mode():
        expected = model(input_ids=torch.from_numpy(ids)[None], attention_mask=mask).logits
        frozen.remove()
        found = model(inputs_embeds=torch.from_numpy(vectors)[None], attention_mask=mask).logits
        with frozen.whole():
            again = model(input_ids=torch.from_numpy(ids)[None], attention_mask=mask).logits
    np.testing.assert_allclose(found, expected, atol=0.02)
    np.testing.assert_array_equal(again, expected)


def test_vectors_of_an_interrupted_run_are_not_computed_again(
    tiny_bert: Path, films: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen_features, "BETWEEN_WRITES", 0.0)
    model, tokenizer = _load(tiny_bert, films)
    ids = token_ids(films.texts[:150], tokenizer, 32)
    frozen = FrozenLayers(model, 1)
    expected = frozen.vectors(ids, tmp_path / "whole")

    def interrupt(done: int) -> None:
        if done > 100:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        frozen.vectors(ids, tmp_path / "vectors", interrupt)
    counts: list[int] = []
    found = frozen.vectors(ids, tmp_path / "vectors", counts.append)
    assert counts[0] > 100
    for text in range(len(ids)):
        np.testing.assert_array_equal(found[text], expected[text])


def test_training_on_vectors_is_training_on_their_texts(
    tiny_bert: Path,
    films: Dataset,
    options: TrainingOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = options.changed(epochs=2, freeze_layers=1, averaging=0.9)
    found = []
    for cached in (True, False):
        if not cached:
            monkeypatch.setattr(FrozenLayers, "fits", staticmethod(lambda model: False))
        model, tokenizer = _load(tiny_bert, films)
        folder = RunFolder(tmp_path / str(cached))
        folder.path.mkdir()
        fine_tune(model, tokenizer, films.part("train"), films.part("dev"), chosen, folder)
        found.append(predict(model, tokenizer, films.part("test").texts, 32))
    np.testing.assert_allclose(found[0], found[1], atol=0.03)


def test_a_run_with_frozen_layers_is_resumed_where_it_was_interrupted(
    tiny_bert: Path, films: Dataset, options: TrainingOptions, tmp_path: Path
) -> None:
    chosen = options.changed(epochs=3, freeze_layers=1, averaging=0.9)

    def weights(name: str, interrupted: bool) -> Iterator[torch.Tensor]:
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir()
        model, tokenizer = _load(tiny_bert, films)
        parts = films.part("train"), films.part("dev")
        if interrupted:
            stop = interrupt_at("training", -2)
            with pytest.raises(InterruptionError):
                fine_tune(model, tokenizer, *parts, chosen, folder, progress=stop)
            model, tokenizer = _load(tiny_bert, films)
        fine_tune(model, tokenizer, *parts, chosen, folder, resume=interrupted)
        lines = folder.log.read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
        return iter(model.state_dict().values())

    uninterrupted, resumed = weights("one", False), weights("two", True)
    for one, other in zip(uninterrupted, resumed, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
