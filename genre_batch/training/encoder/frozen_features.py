"""Outputs of frozen layers, computed once: they do not change while other layers are trained."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from genre_batch.progress import TextProgress, no_text_progress
from genre_batch.runs.token_vectors import TokenVectors
from genre_batch.training.encoder.inference import lower_precision, token_batches
from genre_batch.training.encoder.pooling import PooledClassifier

__all__ = ["BETWEEN_WRITES", "FrozenLayers"]

BETWEEN_WRITES = 60.0
"""Seconds between two writes of computed vectors: an interrupted run loses no more."""


class _PassedVectors(torch.nn.Module):
    """Replaces the embeddings: returns the vectors that the encoder is called with."""

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **unused: object,
    ) -> torch.Tensor | None:
        return inputs_embeds


class _Identity(torch.nn.Module):
    """Replaces a frozen layer: returns its input."""

    def forward(
        self, hidden_states: torch.Tensor, *unused: object, **named: object
    ) -> tuple[torch.Tensor]:
        return (hidden_states,)


class FrozenLayers:
    """The embeddings and lowest layers of a classifier, removed from it during training.

    The classifier then reads `inputs_embeds`, the outputs of those layers. Parameters keep their
    names. Dropout in the frozen layers is off, so that their outputs are always the same.
    """

    def __init__(self, model: PooledClassifier, layers: int) -> None:
        """Find the layers; nothing is removed yet.

        Args:
            model: a model for which `fits` is true.
            layers: number of lowest layers, at least one.
        """
        self._encoder = model.encoder
        self._model = model
        self._layers = [model.encoder.embeddings, *model.encoder.encoder.layer[:layers]]
        self._replacements: list[torch.nn.Module] = [
            _PassedVectors(),
            *(_Identity() for _ in range(layers)),
        ]

    @staticmethod
    def fits(model: torch.nn.Module) -> bool:
        """Return whether a model has embeddings and then layers, as BERT, RoBERTa and MPNet do."""
        encoder = model.encoder if isinstance(model, PooledClassifier) else None
        layers = getattr(getattr(encoder, "encoder", None), "layer", None)
        return hasattr(encoder, "embeddings") and layers is not None

    def _put(self, modules: list[torch.nn.Module]) -> None:
        self._encoder.embeddings = modules[0]
        for index, module in enumerate(modules[1:]):
            self._encoder.encoder.layer[index] = module

    def remove(self) -> None:
        """Remove the layers: the model then reads vectors."""
        self._put(self._replacements)

    def put_back(self) -> None:
        """Put the layers back: the model then reads token ids."""
        self._put(self._layers)

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Return a context in which the layers are back and the model reads token ids."""
        self.put_back()
        try:
            yield
        finally:
            self.remove()

    def vectors(
        self,
        ids: list[npt.NDArray[np.int64]],
        path: Path,
        progress: TextProgress = no_text_progress,
    ) -> TokenVectors:
        """Compute the outputs of the frozen layers, in bfloat16 where that is faster.

        Args:
            ids: each text's token ids.
            path: the file to hold the vectors. The one of an interrupted run is continued.
            progress: called with the number of texts done.
        """
        outputs = TokenVectors(path, [len(text) for text in ids], self._model.config.hidden_size)
        higher = list(self._encoder.encoder.layer[len(self._layers) - 1 :])
        was_training, done, written = self._model.training, 0, time.monotonic()
        self._model.eval()
        self._encoder.encoder.layer = torch.nn.ModuleList(self._layers[1:])
        try:
            with torch.inference_mode(), lower_precision(self._model.device):
                for rows, tokens in token_batches(ids, self._model.device):
                    done += len(rows)
                    if done <= outputs.done:
                        continue
                    hidden = self._encoder(**tokens)[0].bfloat16().cpu().view(torch.uint16).numpy()
                    for vectors, text in zip(hidden, rows.tolist(), strict=True):
                        outputs[text] = vectors[: len(ids[text])]
                    progress(done)
                    if time.monotonic() - written >= BETWEEN_WRITES:
                        outputs.keep(done)
                        written = time.monotonic()
            outputs.keep(done)
        finally:
            self._encoder.encoder.layer = torch.nn.ModuleList([*self._layers[1:], *higher])
            self._model.train(was_training)
        return outputs
