"""Frozen layers computed once: what they make of a text does not change while others learn."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from genre_batch.errors import TrainingError
from genre_batch.training.encoder.inference import lower_precision, token_batches
from genre_batch.training.encoder.pooling import PooledClassifier

__all__ = ["FrozenLayers", "Vectors"]


class Vectors:
    """Token vectors of many texts, in a file that the system may page out."""

    def __init__(self, path: Path, lengths: list[int], width: int) -> None:
        """Makes room for them.

        Args:
            path: the file, which is overwritten.
            lengths: tokens of each text.
            width: of a token's vector.

        Raises:
            TrainingError: the disk has no room for them.
        """
        self._ends = np.cumsum(lengths)
        shape = (int(self._ends[-1]) if lengths else 1, width)
        size = shape[0] * width * np.dtype(np.uint16).itemsize
        try:
            with path.open("wb") as file:
                # A mapped file that the disk turns out not to hold would end the process.
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise TrainingError(
                f"no room for what the frozen layers make of the films, {size / 1e9:.1f} GB in "
                f"{path.parent}: {error.strerror}: free some, or leave out --freeze-layers"
            ) from error
        # bfloat16 is the upper half of a float32; numpy knows only the latter.
        self._all = np.memmap(path, dtype=np.uint16, mode="r+", shape=shape)

    def _place(self, text: int) -> slice:
        return slice(int(self._ends[text - 1]) if text else 0, int(self._ends[text]))

    def __setitem__(self, text: int, vectors: torch.Tensor) -> None:
        self._all[self._place(text)] = vectors.bfloat16().view(torch.uint16).numpy()

    def __getitem__(self, text: int) -> npt.NDArray[np.float32]:
        """(tokens, width) float32, rounded to bfloat16."""
        upper = np.asarray(self._all[self._place(text)]).astype(np.uint32)
        return (upper << 16).view(np.float32)


class _GivenVectors(torch.nn.Module):
    """Stands where the embeddings were: hands on the vectors that the encoder is given."""

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **unused: object,
    ) -> torch.Tensor | None:
        return inputs_embeds


class _Passage(torch.nn.Module):
    """Stands where a frozen layer was."""

    def forward(
        self, hidden_states: torch.Tensor, *unused: object, **named: object
    ) -> tuple[torch.Tensor]:
        return (hidden_states,)


class FrozenLayers:
    """The embeddings and the lowest layers of a classifier, taken out of it while it learns.

    The classifier then reads `inputs_embeds`, the vectors that those layers make. Parameters keep
    their names. Dropout in the frozen layers is off: their vectors are always the same.
    """

    def __init__(self, model: PooledClassifier, layers: int) -> None:
        """Finds them; nothing is taken out yet.

        Args:
            model: one of the architectures that `fits` tells.
            layers: how many of the lowest layers, at least one.
        """
        self._encoder = model.encoder
        self._model = model
        self._kept = [model.encoder.embeddings, *model.encoder.encoder.layer[:layers]]
        self._out: list[torch.nn.Module] = [_GivenVectors(), *(_Passage() for _ in range(layers))]

    @staticmethod
    def fits(model: torch.nn.Module) -> bool:
        """Whether a model is built as BERT, RoBERTa and MPNet are: embeddings, then layers."""
        if not isinstance(model, PooledClassifier):
            return False
        encoder = model.encoder
        return hasattr(encoder, "embeddings") and hasattr(
            getattr(encoder, "encoder", None), "layer"
        )

    def _put(self, modules: list[torch.nn.Module]) -> None:
        self._encoder.embeddings = modules[0]
        for at, module in enumerate(modules[1:]):
            self._encoder.encoder.layer[at] = module

    def take_out(self) -> None:
        """From here on the model reads vectors."""
        self._put(self._out)

    def put_back(self) -> None:
        """From here on the model reads token ids."""
        self._put(self._kept)

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """The model reads token ids while this lasts."""
        self.put_back()
        try:
            yield
        finally:
            self.take_out()

    def vectors(
        self,
        ids: list[npt.NDArray[np.int64]],
        path: Path,
        told: Callable[[int], None] = lambda done: None,
    ) -> Vectors:
        """What the frozen layers make of texts, in bfloat16 where that is faster.

        Args:
            ids: each text's token ids.
            path: the file that holds them while they are needed.
            told: is called with the number of texts done.
        """
        found = Vectors(path, [len(text) for text in ids], self._model.config.hidden_size)
        higher = list(self._encoder.encoder.layer[len(self._kept) - 1 :])
        was_training, done = self._model.training, 0
        self._model.eval()
        self._encoder.encoder.layer = torch.nn.ModuleList(self._kept[1:])
        try:
            with torch.inference_mode(), lower_precision(self._model.device):
                for rows, tokens in token_batches(ids, self._model.device):
                    hidden = self._encoder(**tokens)[0].cpu()
                    for vectors, text in zip(hidden, rows.tolist(), strict=True):
                        found[text] = vectors[: len(ids[text])]
                    done += len(rows)
                    told(done)
        finally:
            self._encoder.encoder.layer = torch.nn.ModuleList([*self._kept[1:], *higher])
            self._model.train(was_training)
        return found
