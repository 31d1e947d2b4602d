"""The running average of a model's weights, which is often better than where they end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from genre_batch.files import replacing_path

__all__ = ["ExponentialMovingAverage"]

_FILE = "average.safetensors"


class ExponentialMovingAverage:
    """Exponential moving average of a model's parameters (Polyak and Juditsky 1992's, decaying).

    The first steps count less, as in TensorFlow's `ExponentialMovingAverage`: after t steps the
    decay is at most (1 + t) / (10 + t).
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        """Starts from the model's present weights.

        Args:
            model: whose parameters are followed.
            decay: share of the average that stays at each step, 0..1.
        """
        self._model = model
        self._decay = decay
        self._average = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after a step, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, parameter in self._model.named_parameters():
            self._average[name].lerp_(parameter, 1 - decay)

    @torch.no_grad()
    def exchange(self) -> None:
        """Puts the average into the model, and the model's weights in its place."""
        for name, parameter in self._model.named_parameters():
            own = parameter.detach().clone()
            parameter.copy_(self._average[name])
            self._average[name].copy_(own)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """The model computes with the average while this lasts."""
        self.exchange()
        try:
            yield
        finally:
            self.exchange()

    @staticmethod
    def is_kept_in(checkpoint: Path) -> bool:
        """Whether `keep` came to its end there."""
        return (checkpoint / _FILE).exists()

    def keep(self, checkpoint: Path) -> None:
        """Writes the average beside a checkpoint, whole or not at all."""
        with replacing_path(checkpoint / _FILE) as temporary:
            save_file(self._average, temporary)

    def restore(self, checkpoint: Path) -> None:
        """Goes on from what `keep` wrote."""
        for name, tensor in load_file(checkpoint / _FILE).items():
            self._average[name].copy_(tensor)
