"""Frozen layers are computed once, and training goes on as if they were still there."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import TrainingError
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.encoder.frozen_features import FrozenLayers, Vectors
from genre_batch.training.encoder.inference import predict, token_ids
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import FineTuneOptions

# The Trainer warns of two checkpoints written within a second.
pytestmark = pytest.mark.filterwarnings("ignore:mtime may not be reliable:UserWarning")

BFLOAT16 = 2.0**-8
"""The largest relative error of rounding to bfloat16."""


class BrokenOffError(Exception):
    """Stands for whatever stops a run."""


def _load(folder: Path, films: Dataset) -> tuple[PooledClassifier, PreTrainedTokenizerFast]:
    model, tokenizer = load_base_model(str(folder), films.names, "mean", seed=0)
    assert isinstance(model, PooledClassifier)
    # What is drawn in training cannot be the same with and without the frozen layers.
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model, tokenizer


def test_vectors_come_back_as_they_were_put_in(tmp_path: Path) -> None:
    vectors = Vectors(tmp_path / "vectors", [2, 3], width=4)
    first, second = torch.randn(2, 4), torch.randn(3, 4)
    vectors[1], vectors[0] = second, first
    np.testing.assert_allclose(vectors[0], first, rtol=BFLOAT16)
    np.testing.assert_allclose(vectors[1], second, rtol=BFLOAT16)


def test_a_full_disk_is_said_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(TrainingError, match=r"2\.0 GB in .*No space left on device: free some"):
        Vectors(tmp_path / "vectors", [1_000_000], width=1000)


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
        frozen.take_out()
        found = model(inputs_embeds=torch.from_numpy(vectors)[None], attention_mask=mask).logits
        with frozen.whole():
            again = model(input_ids=torch.from_numpy(ids)[None], attention_mask=mask).logits
    np.testing.assert_allclose(found, expected, atol=0.02)
    np.testing.assert_array_equal(again, expected)


def test_training_on_vectors_is_training_on_their_texts(
    tiny_bert: Path,
    films: Dataset,
    options: FineTuneOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = replace(options, epochs=2, freeze_layers=1, averaging=0.9)
    found = []
    for cached in (True, False):
        if not cached:
            monkeypatch.setattr(FrozenLayers, "fits", staticmethod(lambda model: False))
        model, tokenizer = _load(tiny_bert, films)
        folder = tmp_path / str(cached)
        folder.mkdir()
        fine_tune(model, tokenizer, films.part("train"), films.part("dev"), chosen, folder)
        found.append(predict(model, tokenizer, films.part("test").texts, 32))
    np.testing.assert_allclose(found[0], found[1], atol=0.03)


def test_a_run_with_frozen_layers_goes_on_where_it_was_broken_off(
    tiny_bert: Path, films: Dataset, options: FineTuneOptions, tmp_path: Path
) -> None:
    chosen = replace(options, epochs=3, freeze_layers=1, averaging=0.9)
    training, development = films.part("train"), films.part("dev")

    def break_off(done: int, total: int, what: str) -> None:
        if what == "training" and done == total - 2:
            raise BrokenOffError

    def weights(folder: Path, breaks: bool) -> Iterator[torch.Tensor]:
        folder.mkdir()
        model, tokenizer = _load(tiny_bert, films)
        if breaks:
            with pytest.raises(BrokenOffError):
                fine_tune(
                    model, tokenizer, training, development, chosen, folder, progress=break_off
                )
            model, tokenizer = _load(tiny_bert, films)
        fine_tune(model, tokenizer, training, development, chosen, folder, resume=breaks)
        lines = (folder / "training_log.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
        return iter(model.state_dict().values())

    unbroken, resumed = weights(tmp_path / "one", False), weights(tmp_path / "two", True)
    for one, other in zip(unbroken, resumed, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
