"""The interface of a contender in speed.py: what it is given, and what it returns."""

from __future__ import annotations

import abc
import functools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from optimum.exporters.onnx import export
from optimum.exporters.onnx.model_configs import DistilBertOnnxConfig
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from genre_batch.model.batching import length_sorted_batches, load_tokenizer, pad, tokenize
from genre_batch.training.encoder.base_model import MeanPooledDistilBert

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

BATCH = 32
"""Films per batch in arrival order: the usual default."""

TOKENS = 2048
"""Tokens per batch of films of similar length: more exceed the cache, fewer add call overhead."""


class Unavailable(Exception):  # noqa: N818
    """A contender cannot run here; the message states why, or what to install."""


@dataclass(frozen=True)
class Films:
    """Films to tag, with distinct texts.

    Attributes:
        catalog: their rows, in the catalog's order.
        texts: the model input of each.
    """

    catalog: pl.DataFrame
    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def spread(self, count: int) -> Films:
        """Return `count` of them, evenly spread over the catalog; all, if there are no more."""
        if count >= len(self):
            return self
        positions = (np.arange(count) * len(self) // count).tolist()
        return Films(self.catalog[positions], [self.texts[position] for position in positions])


@dataclass(frozen=True)
class Setting:
    """What a contender may be prepared from.

    Attributes:
        run: the folder of the run: a checkpoint and its films.
        model: the exported model.
        checkpoint: the run's float32 model; all contenders but the linear one use its weights.
        tokenizer: its tokenizer.
        max_length: in tokens; longer texts are truncated.
        graph: the checkpoint as a float32 ONNX graph, in a folder with its configuration.
        calibration: training texts, for measuring the ranges of activations.
        threads: threads that a contender may keep busy.
        folder: empty, for files that a contender converts.
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
        """Return each text's token ids; the tokenizer uses its own threads."""
        return tokenize(self._backend, texts)


@dataclass(frozen=True)
class Answer:
    """What a contender returns for some films.

    Attributes:
        probabilities: (films, genres); None where the contender has other weights.
        seconds: by its own clock, where the input had to be prepared first; None: the caller's
            clock counts.
        inner_seconds: those without the start of a process, if it starts one.
    """

    probabilities: Floats | None = None
    seconds: float | None = None
    inner_seconds: float | None = None


def float_graph(checkpoint: MeanPooledDistilBert, folder: Path) -> Path:
    """Write a checkpoint as a float32 ONNX graph, in a new folder with its configuration."""
    graph = folder / "float" / "model.onnx"
    graph.parent.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of constants
        exported = DistilBertOnnxConfig(checkpoint.config, task="text-classification")
        export(checkpoint, exported, graph, opset=17)
    checkpoint.config.save_pretrained(graph.parent)
    return graph


class Contender(abc.ABC):
    """A way to tag films.

    Attributes:
        name: its row in the table.
        how: how it is run.
        ours: whether it is this project's, measured on all films; the others are measured on a
            share that bounds the duration of a round.
        needs: packages that it imports beyond the extra `train`.
    """

    name: str
    how: str
    ours = False
    needs: tuple[str, ...] = ()

    @abc.abstractmethod
    def prepare(self, setting: Setting) -> None:
        """Load, convert, quantize: all that is done once, and not timed.

        Raises:
            Unavailable: it cannot run here.
        """

    @abc.abstractmethod
    def run(self, films: Films) -> Answer:
        """Tag the films: texts to probabilities."""


def in_arrival_order(ids: Sequence[Ids]) -> Iterator[tuple[Ids, Ids, Ids]]:
    """Yield (rows, input_ids, attention_mask) of batches of `BATCH` films, in arrival order."""
    for start in range(0, len(ids), BATCH):
        rows = np.arange(start, min(start + BATCH, len(ids)))
        yield rows, *pad([ids[row] for row in rows.tolist()])


def by_length(ids: Sequence[Ids]) -> Iterator[tuple[Ids, Ids, Ids]]:
    """Yield the same of films of similar length, up to `TOKENS` with padding, longest first."""
    for batch in length_sorted_batches(ids, max_rows=TOKENS, max_tokens=TOKENS):
        yield batch.rows, batch.input_ids, batch.attention_mask


def ordered(parts: Iterable[tuple[Ids, Floats]], films: int) -> Floats:
    """Join (rows, values) of batches in any order into (films, genres)."""
    rows, values = zip(*parts, strict=True)
    joined = np.empty((films, values[0].shape[1]), np.float32)
    joined[np.concatenate(rows)] = np.concatenate(values)
    return joined


def sigmoid(logits: Floats) -> Floats:
    """Convert logits to probabilities."""
    return (1 / (1 + np.exp(-logits))).astype(np.float32)
