"""Texts -> batches of tokens, each with the rows that it holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from genre_batch.errors import ModelError

__all__ = [
    "Batch",
    "length_sorted_batches",
    "load_tokenizer",
    "pad",
    "same_length_batches",
    "tokenize",
]


@dataclass(frozen=True)
class Batch:
    """Rows that run through the model together.

    Attributes:
        rows: (batch,) int64: each row's index in the tokenized texts.
        input_ids: (batch, tokens) int64, padded with 0 at the end.
        attention_mask: (batch, tokens) int64: 1 for a token, 0 for padding.
    """

    rows: npt.NDArray[np.int64]
    input_ids: npt.NDArray[np.int64]
    attention_mask: npt.NDArray[np.int64]


def load_tokenizer(text: str, max_length: int, name: str) -> Tokenizer:
    """Load a model's tokenizer; it truncates at `max_length` tokens and does not pad.

    Args:
        text: the text of tokenizer.json.
        max_length: in tokens, special tokens included.
        name: the model's name, for messages.

    Raises:
        ModelError: the text is not a valid tokenizer.json.
    """
    try:
        tokenizer = Tokenizer.from_str(text)
        tokenizer.enable_truncation(max_length)
        tokenizer.no_padding()
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(
            f"{name}: its tokenizer cannot be loaded: {error}: export the model again"
        ) from error
    return tokenizer


def tokenize(tokenizer: Tokenizer, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    """Return each text's token ids, (tokens,) int64; uses the tokenizer's own threads."""
    encodings = tokenizer.encode_batch_fast(texts)
    return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]


def pad(
    ids: Sequence[npt.NDArray[np.int64]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pad rows with 0 at the end; return (rows, longest) int64 token ids and attention mask."""
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    mask = (np.arange(lengths.max(initial=0)) < lengths[:, None]).astype(np.int64)
    padded = np.zeros_like(mask)
    padded[mask.astype(bool)] = np.concatenate(ids)
    return padded, mask


def length_sorted_batches(
    ids: Sequence[npt.NDArray[np.int64]], max_rows: int, max_tokens: int
) -> Iterator[Batch]:
    """Yield batches of similar length, longest first: little padding, no long batch at the end.

    Args:
        ids: each row's tokens.
        max_rows: the maximum number of rows in a batch.
        max_tokens: the maximum number of tokens in a batch, padding included; a longer row is a
            batch of its own.
    """
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        size = max(1, min(max_rows, max_tokens // max(1, longest)))
        rows = order[start : start + size]
        yield Batch(rows, *pad([ids[row] for row in rows]))
        start += size


def same_length_batches(ids: Sequence[npt.NDArray[np.int64]], max_tokens: int) -> Iterator[Batch]:
    """Yield batches of rows with the same number of tokens, longest first, without padding.

    Each row then runs through the same kernels with the same shapes whatever the other rows are,
    and no work is spent on padding. Rare lengths make small batches; among a few thousand rows
    most lengths are shared.

    Args:
        ids: each row's tokens.
        max_tokens: the maximum number of tokens in a batch; a longer row is a batch of its own.
    """
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    starts = np.flatnonzero(np.diff(lengths[order], prepend=-1)).tolist()
    for start, end in itertools.pairwise([*starts, len(order)]):
        size = max(1, max_tokens // max(1, int(lengths[order[start]])))
        for first in range(start, end, size):
            rows = order[first : min(first + size, end)]
            input_ids = np.stack([ids[row] for row in rows])
            yield Batch(rows, input_ids, np.ones_like(input_ids))
