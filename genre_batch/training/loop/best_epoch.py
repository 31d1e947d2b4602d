"""The weights of the epoch that development liked best."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from genre_batch.files import replacing_path

__all__ = ["BestEpoch"]

_FIGURE = "figure"


class BestEpoch:
    """A file that holds the best weights offered to it, and how good they were."""

    def __init__(self, path: Path) -> None:
        """Goes on with a file that is there.

        Args:
            path: the file; its folder is made when something is kept.
        """
        self._path = path

    @property
    def figure(self) -> float:
        """Of what is kept; minus infinity: nothing is."""
        if not self._path.exists():
            return float("-inf")
        with safe_open(self._path, framework="pt") as file:
            return float(file.metadata()[_FIGURE])

    def offer(self, model: torch.nn.Module, figure: float) -> None:
        """Keeps the model's present weights if they are better than what is kept.

        Args:
            model: whose weights.
            figure: how good they are; more is better.
        """
        if figure <= self.figure:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        with replacing_path(self._path) as temporary:
            save_file(weights, temporary, metadata={_FIGURE: repr(figure)})

    def put_into(self, model: torch.nn.Module) -> None:
        """Gives a model the weights that are kept."""
        model.load_state_dict(load_file(self._path))
