"""What speed.py asks of a contender, and what every contender is given."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from genre_batch.model.batching import length_sorted_batches, load_tokenizer, pad, tokenize
from genre_batch.training.encoder.base_model import MeanPooledDistilBert

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

BATCH = 32
"""Films of a batch in arrival order: the usual default."""

TOKENS = 2048
"""Tokens of a batch of films of near-equal length: more leave the cache, fewer pay for calls."""


class Unavailable(Exception):  # noqa: N818
    """A contender cannot run here; the message says why, or what to install."""


@dataclass(frozen=True)
class Films:
    """Films to tag, no two of which the model reads alike.

    Attributes:
        catalog: their rows, in the catalog's order.
        texts: what the model reads of each.
    """

    catalog: pl.DataFrame
    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def spread(self, count: int) -> Films:
        """So many of them, evenly spread over the catalog; all if there are no more."""
        if count >= len(self):
            return self
        positions = (np.arange(count) * len(self) // count).tolist()
        return Films(self.catalog[positions], [self.texts[at] for at in positions])


@dataclass(frozen=True)
class Setting:
    """What a contender may prepare itself from.

    Attributes:
        run: the folder of the run: a checkpoint and its films.
        model: the exported model.
        checkpoint: the run's float32 model, whose weights all but the linear contender compute
            with.
        tokenizer: its tokenizer.
        max_length: tokens; longer texts are cut.
        graph: the checkpoint as a float32 ONNX graph, in a folder with its configuration.
        calibration: training texts, to measure the range of activations on.
        threads: threads that a contender may keep busy.
        folder: an empty one, for what a contender converts.
    """

    run: Path
    model: Path
    checkpoint: MeanPooledDistilBert
    tokenizer: PreTrainedTokenizerFast
    max_length: int
    graph: Path
    calibration: list[str]
    threads: int
    folder: Path

    @functools.cached_property
    def _backend(self) -> Tokenizer:
        text = self.tokenizer.backend_tokenizer.to_str()
        return load_tokenizer(text, self.max_length, "the checkpoint")

    def tokens(self, texts: Sequence[str]) -> list[Ids]:
        """Each text's token ids, by the tokenizer's own threads."""
        return tokenize(self._backend, texts)


@dataclass(frozen=True)
class Answer:
    """What a contender says about some films.

    Attributes:
        probabilities: (films, genres); None where they are not the checkpoint's.
        seconds: on its own clock, where something had to lie ready first; None: the caller's.
        inner_seconds: those of them that did not go into starting a process.
    """

    probabilities: Floats | None = None
    seconds: float | None = None
    inner_seconds: float | None = None


class Contender(Protocol):
    """A way to tag films.

    Attributes:
        name: its row in the table.
        says: how it is run.
        ours: this project's own: measured on all films, the others on a share that bounds a round.
        needs: packages beyond the extra `train`, each imported under its own name.
    """

    name: str
    says: str
    ours: bool
    needs: tuple[str, ...]

    def prepare(self, setting: Setting) -> None:
        """Loads, converts, quantises: all that is done once, and not timed.

        Raises:
            Unavailable: it cannot run here.
        """

    def run(self, films: Films) -> Answer:
        """Tags the films: texts in, probabilities out."""


def in_arrival_order(ids: Sequence[Ids]) -> Iterator[tuple[Ids, Ids, Ids]]:
    """(rows, input_ids, attention_mask) of `BATCH` films after another, as they come."""
    for start in range(0, len(ids), BATCH):
        rows = np.arange(start, min(start + BATCH, len(ids)))
        yield rows, *pad([ids[row] for row in rows.tolist()])


def by_length(ids: Sequence[Ids]) -> Iterator[tuple[Ids, Ids, Ids]]:
    """The same of films of near-equal length, up to `TOKENS` with the padding, longest first."""
    for batch in length_sorted_batches(ids, max_rows=TOKENS, max_tokens=TOKENS):
        yield batch.rows, batch.input_ids, batch.attention_mask


def ordered(parts: Iterable[tuple[Ids, Floats]], films: int) -> Floats:
    """(films, genres) of (rows, values) of batches in any order."""
    rows, values = zip(*parts, strict=True)
    found = np.empty((films, values[0].shape[1]), np.float32)
    found[np.concatenate(rows)] = np.concatenate(values)
    return found


def sigmoid(logits: Floats) -> Floats:
    """Logits -> probabilities."""
    return (1 / (1 + np.exp(-logits))).astype(np.float32)
