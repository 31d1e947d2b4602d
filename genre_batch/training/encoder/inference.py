"""What a torch classifier makes of texts: probabilities, or the vectors under its head."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedTokenizerFast

from genre_batch.model.batching import length_sorted_batches, load_tokenizer, tokenize
from genre_batch.training.encoder.base_model import Classifier
from genre_batch.training.encoder.pooling import pool

__all__ = [
    "bf16_is_fast",
    "encode",
    "lower_precision",
    "predict",
    "predict_logits",
    "token_batches",
    "token_ids",
]


def bf16_is_fast() -> bool:
    """Whether bfloat16 products run faster than float32 here: a GPU's or a processor's own unit."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def token_ids(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, max_length: int
) -> list[npt.NDArray[np.int64]]:
    """Each text's token ids, made just as the exported model's tagger makes them."""
    backend = load_tokenizer(tokenizer.backend_tokenizer.to_str(), max_length, "the base model")
    return tokenize(backend, texts)


def token_batches(
    ids: list[npt.NDArray[np.int64]], device: torch.device
) -> Iterator[tuple[npt.NDArray[np.int64], dict[str, torch.Tensor]]]:
    """Batches of near-equal length on a device: which texts, and a model's inputs for them.

    On a processor so few tokens go together that what lies between two layers stays in its cache:
    2,048 are an eighth faster than 8,192 (mpnet-base, one core).

    Args:
        ids: each text's token ids.
        device: the model's.
    """
    most = 2048 if device.type == "cpu" else 8192
    for batch in length_sorted_batches(ids, max_rows=64, max_tokens=most):
        yield (
            batch.rows,
            {
                "input_ids": torch.from_numpy(batch.input_ids).to(device),
                "attention_mask": torch.from_numpy(batch.attention_mask).to(device),
            },
        )


def lower_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Products in bfloat16 while this lasts, where that is faster."""
    if bf16_is_fast():
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def _run_over(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    compute: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    width: int,
    fast: bool,
    told: Callable[[int], None],
) -> npt.NDArray[np.float32]:
    """(texts, width) of what `compute` makes of each batch, in the texts' order."""
    found = np.empty((len(texts), width), dtype=np.float32)
    was_training, done = model.training, 0
    model.eval()
    lower = lower_precision(model.device) if fast else contextlib.nullcontext()
    with torch.inference_mode(), lower:
        ids = token_ids(texts, tokenizer, max_length)
        for rows, tokens in token_batches(ids, model.device):
            found[rows] = compute(tokens).float().cpu().numpy()
            done += len(rows)
            told(done)
    model.train(was_training)
    return found


def predict(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    *,
    fast: bool = False,
    told: Callable[[int], None] = lambda done: None,
) -> npt.NDArray[np.float32]:
    """(texts, genres) float32 probabilities of a torch model: each logit's logistic function.

    Arguments as in `predict_logits`.
    """
    logits = predict_logits(model, tokenizer, texts, max_length, fast=fast, told=told)
    probabilities: npt.NDArray[np.float32] = torch.sigmoid(torch.from_numpy(logits)).numpy()
    return probabilities


def predict_logits(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    *,
    fast: bool = False,
    told: Callable[[int], None] = lambda done: None,
) -> npt.NDArray[np.float32]:
    """(texts, genres) float32 logits of a torch model, on its own device.

    They are computed in float32, and while the model is being trained in training's precision.

    Args:
        model: a classifier.
        tokenizer: its tokenizer.
        texts: composed texts.
        max_length: tokens; longer texts are cut.
        fast: compute in bfloat16 where that is faster.
        told: is called with the number of texts done.
    """
    return _run_over(
        model,
        tokenizer,
        texts,
        max_length,
        lambda tokens: model(**tokens).logits,
        model.config.num_labels,
        fast,
        told,
    )


def encode(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    told: Callable[[int], None] = lambda done: None,
) -> npt.NDArray[np.float32]:
    """(texts, width) float32 pooled vectors under the head, in bfloat16 where that is faster.

    Arguments as in `predict_logits`.
    """
    return _run_over(
        model,
        tokenizer,
        texts,
        max_length,
        lambda tokens: pool(
            model.base_model(**tokens)[0], tokens["attention_mask"], model.config.pooling
        ),
        model.config.hidden_size,
        True,
        told,
    )
