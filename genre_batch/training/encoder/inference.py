"""Inference with torch models: probabilities, logits, and the pooled vectors below the head."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedTokenizerFast

from genre_batch.model.batching import length_sorted_batches, load_tokenizer, tokenize
from genre_batch.progress import TextProgress, no_text_progress
from genre_batch.training.encoder.base_model import Classifier
from genre_batch.training.encoder.pooling import pool

__all__ = [
    "bf16_is_fast",
    "encode",
    "lower_precision",
    "predict",
    "token_batches",
    "token_ids",
]


def bf16_is_fast() -> bool:
    """Return whether hardware for bfloat16 makes matrix products faster than in float32."""
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
    """Return each text's token ids, with the same tokenizer settings as the exported model."""
    backend = load_tokenizer(tokenizer.backend_tokenizer.to_str(), max_length, "the base model")
    return tokenize(backend, texts)


def token_batches(
    ids: list[npt.NDArray[np.int64]], device: torch.device
) -> Iterator[tuple[npt.NDArray[np.int64], dict[str, torch.Tensor]]]:
    """Yield batches of texts of similar length: their indices, and a model's inputs for them.

    On a CPU a batch is small enough for the activations between two layers to stay in its cache:
    2,048 tokens are an eighth faster than 8,192 (mpnet-base, one core).

    Args:
        ids: each text's token ids.
        device: the model's device.
    """
    max_tokens = 2048 if device.type == "cpu" else 8192
    for batch in length_sorted_batches(ids, max_rows=64, max_tokens=max_tokens):
        yield (
            batch.rows,
            {
                "input_ids": torch.from_numpy(batch.input_ids).to(device),
                "attention_mask": torch.from_numpy(batch.attention_mask).to(device),
            },
        )


def lower_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return a context in which matrix products are in bfloat16, where that is faster."""
    if bf16_is_fast():
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


@contextlib.contextmanager
def on_fastest_device(model: Classifier) -> Iterator[None]:
    """Return a context in which a model is on the GPU, if there is one."""
    home = model.device
    torch.nn.Module.to(model, "cuda" if torch.cuda.is_available() else home)
    try:
        yield
    finally:
        torch.nn.Module.to(model, home)


def _run_over(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    compute: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    width: int,
    fast: bool,
    progress: TextProgress,
) -> npt.NDArray[np.float32]:
    """Return (texts, width): the result of `compute` for each batch, in the order of the texts."""
    results = np.empty((len(texts), width), dtype=np.float32)
    was_training, done = model.training, 0
    model.eval()
    precision = lower_precision(model.device) if fast else contextlib.nullcontext()
    with on_fastest_device(model), torch.inference_mode(), precision:
        ids = token_ids(texts, tokenizer, max_length)
        for rows, tokens in token_batches(ids, model.device):
            results[rows] = compute(tokens).float().cpu().numpy()
            done += len(rows)
            progress(done)
    model.train(was_training)
    return results


def predict(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    *,
    as_logits: bool = False,
    fast: bool = False,
    progress: TextProgress = no_text_progress,
) -> npt.NDArray[np.float32]:
    """Return (texts, genres) float32 probabilities: the sigmoid of each logit.

    They are computed on the model's device in float32; during training, in its precision.

    Args:
        model: a classifier.
        tokenizer: its tokenizer.
        texts: composed texts.
        max_length: tokens; longer texts are cut.
        as_logits: return the logits themselves.
        fast: compute in bfloat16 where that is faster.
        progress: called with the number of texts done.
    """

    def compute(tokens: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = model(**tokens).logits
        return logits

    width = model.config.num_labels
    logits = _run_over(model, tokenizer, texts, max_length, compute, width, fast, progress)
    if as_logits:
        return logits
    probabilities: npt.NDArray[np.float32] = torch.sigmoid(torch.from_numpy(logits)).numpy()
    return probabilities


def encode(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    progress: TextProgress = no_text_progress,
) -> npt.NDArray[np.float32]:
    """Return (texts, width) float32 pooled vectors, computed in bfloat16 where that is faster.

    Arguments as in `predict`.
    """

    def compute(tokens: dict[str, torch.Tensor]) -> torch.Tensor:
        hidden = model.base_model(**tokens)[0]
        return pool(hidden, tokens["attention_mask"], model.config.pooling)

    width = model.config.hidden_size
    return _run_over(model, tokenizer, texts, max_length, compute, width, True, progress)
