"""The interface of a system: fit it on films, then predict other films."""

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
    """The options of a system.

    Attributes:
        folder: of its checkpoints; it exists.
        base_model: the encoder of `distilbert`: a hub id, a local folder, or `minilm`.
        bert_model: likewise, the encoder of `bert`.
        model: an exported .onnx, for `shipped`; None: the default model.
        seed: of all randomness.
        aliases: read common aliases of the exported model's genres as these.
        quick: one epoch, one point of each grid: to check that it runs.
    """

    folder: Path
    base_model: str = "distilbert-base-uncased"
    bert_model: str = "distilbert-base-uncased"
    model: str | None = None
    seed: int = 0
    quick: bool = False
    aliases: bool = True


class System(Protocol):
    """A way to predict genres, trained on labeled films."""

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Train on the training films.

        Args:
            training: films with labels.
            development: films with labels, to choose settings and epochs.
            progress: called with the steps done.

        Returns:
            Seconds of training, over all attempts if it was interrupted and resumed.
        """

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """Predict (films, genres) float32 in 0..1, in the order of the training films' names."""

    @property
    def parameters(self) -> int:
        """The number of trained parameters; known after `fit`."""


def genre_shares(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Divide each film equally among its genres: (films, genres) float32, rows of sum 1.

    These are the training targets of a single-genre system. A film without a genre has only zeros:
    its cross-entropy is 0, so that nothing is learned from it.

    Args:
        labels: (films, genres) 0 or 1.
    """
    shares: npt.NDArray[np.float32] = labels.astype(np.float32)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
    return shares
