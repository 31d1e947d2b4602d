"""Keep the weights of the best epoch on the dev set."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from genre_batch.training.loop.checkpoints import save_tensors

__all__ = ["BestEpoch"]

_SCORE = "figure"


class BestEpoch:
    """A file with the best weights so far and their score; a file that exists is continued."""

    def __init__(self, path: Path) -> None:
        """Name the file; its folder is created when weights are saved."""
        self._path = path

    @property
    def score(self) -> float:
        """Score of the saved weights; minus infinity if there are none."""
        if not self._path.exists():
            return float("-inf")
        with safe_open(self._path, framework="pt") as file:
            return float(file.metadata()[_SCORE])

    def save_if_better(self, model: torch.nn.Module, score: float) -> None:
        """Save the model's weights if their score is higher than that of the saved ones.

        Args:
            model: the model after an epoch.
            score: its score on the dev set; higher is better.
        """
        if score > self.score:
            save_tensors(model.state_dict(), self._path, {_SCORE: repr(score)})

    def restore(self, model: torch.nn.Module) -> None:
        """Load the saved weights into a model."""
        model.load_state_dict(load_file(self._path))
