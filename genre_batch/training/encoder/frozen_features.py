"""Outputs of frozen layers, computed once: they do not change while other layers are trained."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from genre_batch.errors import TrainingError
from genre_batch.progress import TextProgress, no_text_progress
from genre_batch.training.encoder.inference import lower_precision, token_batches
from genre_batch.training.encoder.pooling import PooledClassifier

__all__ = ["FrozenLayers", "Vectors"]


class Vectors:
    """Token vectors of many texts, in a memory-mapped file."""

    def __init__(self, path: Path, lengths: list[int], width: int) -> None:
        """Allocate the file.

        Args:
            path: the file, which is overwritten.
            lengths: number of tokens of each text.
            width: width of a token's vector.

        Raises:
            TrainingError: the disk is full.
        """
        self._ends = np.cumsum(lengths)
        shape = (int(self._ends[-1]) if lengths else 1, width)
        size = shape[0] * width * np.dtype(np.uint16).itemsize
        try:
            with path.open("wb") as file:
                # Writing to a mapped file when the disk is full would kill the process.
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise TrainingError(
                f"no space for the outputs of the frozen layers, {size / 1e9:.1f} GB in "
                f"{path.parent}: {error.strerror}: free some, or leave out `freeze_layers`"
            ) from error
        # bfloat16 is the upper half of a float32; numpy only has the latter.
        self._vectors = np.memmap(path, dtype=np.uint16, mode="r+", shape=shape)

    def _rows(self, text: int) -> slice:
        return slice(int(self._ends[text - 1]) if text else 0, int(self._ends[text]))

    def __setitem__(self, text: int, vectors: torch.Tensor) -> None:
        self._vectors[self._rows(text)] = vectors.bfloat16().view(torch.uint16).numpy()

    def __getitem__(self, text: int) -> npt.NDArray[np.float32]:
        """Return a text's token vectors, (tokens, width) float32, rounded to bfloat16."""
        upper = np.asarray(self._vectors[self._rows(text)]).astype(np.uint32)
        return (upper << 16).view(np.float32)


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
    ) -> Vectors:
        """Compute the outputs of the frozen layers, in bfloat16 where that is faster.

        Args:
            ids: each text's token ids.
            path: the file to hold the vectors.
            progress: called with the number of texts done.
        """
        outputs = Vectors(path, [len(text) for text in ids], self._model.config.hidden_size)
        higher = list(self._encoder.encoder.layer[len(self._layers) - 1 :])
        was_training, done = self._model.training, 0
        self._model.eval()
        self._encoder.encoder.layer = torch.nn.ModuleList(self._layers[1:])
        try:
            with torch.inference_mode(), lower_precision(self._model.device):
                for rows, tokens in token_batches(ids, self._model.device):
                    hidden = self._encoder(**tokens)[0].cpu()
                    for vectors, text in zip(hidden, rows.tolist(), strict=True):
                        outputs[text] = vectors[: len(ids[text])]
                    done += len(rows)
                    progress(done)
        finally:
            self._encoder.encoder.layer = torch.nn.ModuleList([*self._layers[1:], *higher])
            self._model.train(was_training)
        return outputs
