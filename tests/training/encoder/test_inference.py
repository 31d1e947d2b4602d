"""Inference with torch models: order, length, and the precision of the processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from genre_batch.dataset.dataset import Dataset
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import bf16_is_fast, predict


def test_predictions_are_in_the_texts_order_whatever_their_lengths(
    run: Path, films: Dataset
) -> None:
    model, tokenizer = load_checkpoint(run)
    texts = films.texts[:40]
    together = predict(model, tokenizer, texts, max_length=32)
    assert together.shape == (40, 4)
    assert together.dtype == np.float32
    alone = [predict(model, tokenizer, [text], max_length=32)[0] for text in texts]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_texts_are_cut_at_the_length_and_the_model_s_mode_is_unchanged(run: Path) -> None:
    model, tokenizer = load_checkpoint(run)
    texts = ["ghost gun kiss " + ending for ending in ("joke " * 90, "bomb " * 5)]
    model.train()
    # Two special tokens and three words.
    cut = predict(model, tokenizer, texts, max_length=5)
    assert model.training
    assert cut[0] == pytest.approx(cut[1])
    assert cut[0] != pytest.approx(predict(model, tokenizer, texts, max_length=32)[1])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu amx_bf16 amx_tile", True), ("avx512_bf16", True), ("fpu avx2 avx512f", False)],
)
def test_bfloat16_is_used_where_the_processor_has_a_unit_for_it(
    monkeypatch: pytest.MonkeyPatch, flags: str, expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(Path, "read_text", lambda *args, **kwargs: f"flags : {flags}")
    assert bf16_is_fast() is expected


def test_bfloat16_is_not_used_where_the_processor_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable(*args: object, **kwargs: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(Path, "read_text", unreadable)
    assert bf16_is_fast() is False
