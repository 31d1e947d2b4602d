"""Exponential moving average (EMA) of a model's weights, often better than the last weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file

from genre_batch.training.loop.checkpoints import save_tensors

__all__ = ["ExponentialMovingAverage"]

_FILE = "average.safetensors"


class ExponentialMovingAverage:
    """Exponential moving average of a model's parameters.

    Averaging as in Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by
    Averaging", but with exponential weights. Early steps are forgotten faster, as in TensorFlow's
    `ExponentialMovingAverage`: after t steps the decay is at most (1 + t) / (10 + t).
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        """Start with the model's current weights.

        Args:
            model: the model whose parameters are averaged.
            decay: weight of the previous average at each step, 0..1.
        """
        self._model = model
        self._decay = decay
        self._average = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update the average after a training step, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, parameter in self._model.named_parameters():
            self._average[name].lerp_(parameter, 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Swap the average with the model's weights."""
        for name, parameter in self._model.named_parameters():
            weights = parameter.detach().clone()
            parameter.copy_(self._average[name])
            self._average[name].copy_(weights)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Return a context in which the model has the averaged weights."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def save(self, checkpoint: Path) -> None:
        """Write the average into a checkpoint's folder, whole or not at all."""
        save_tensors(self._average, checkpoint / _FILE)

    def restore(self, checkpoint: Path) -> None:
        """Continue with the average that `save` wrote."""
        for name, tensor in load_file(checkpoint / _FILE).items():
            self._average[name].copy_(tensor)
