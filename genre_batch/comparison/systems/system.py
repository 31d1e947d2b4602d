"""What `compare` asks of a system: fit on films, then probabilities for other films."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from genre_batch.dataset.dataset import Dataset
from genre_batch.progress import StepProgress

__all__ = ["Setting", "System", "genre_shares"]


@dataclass(frozen=True)
class Setting:
    """What a system may know besides the films.

    Attributes:
        folder: its own, for checkpoints; it exists.
        base_model: a hub id, a local folder, or `minilm`: the encoder of `distilbert`.
        bert_model: likewise, the encoder of `bert`.
        model: an exported .onnx, for `shipped`; None: the default one.
        seed: of everything random.
        quick: one epoch, one point of each grid: to see that it runs.
    """

    folder: Path
    base_model: str = "distilbert-base-uncased"
    bert_model: str = "distilbert-base-uncased"
    model: str | None = None
    seed: int = 0
    quick: bool = False


class System(Protocol):
    """A way to predict genres, learnt from labelled films."""

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Learns from the training films; development may choose settings and epochs.

        Returns:
            Seconds, over all attempts where an interrupted one was gone on with.
        """

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """(films, genres) float32 in 0..1, in the order of the training films' names."""

    @property
    def parameters(self) -> int:
        """How many numbers were learnt; known after `fit`."""


def genre_shares(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(films, genres) float32 whose rows sum to 1: each film shared out among its genres.

    How a system that can give a film one genre only learns from films that have several.

    Args:
        labels: (films, genres) 0 or 1, at least one 1 in each row.
    """
    shares: npt.NDArray[np.float32] = labels.astype(np.float32)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares
