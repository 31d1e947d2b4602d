"""Fine-tuned encoders: the paper's DistilBERT, and a BERT that predicts one genre."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from genre_batch.comparison.systems.logits import probabilities_of
from genre_batch.dataset.dataset import Dataset
from genre_batch.progress import StepProgress
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.encoder.inference import predict
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import TrainingOptions

__all__ = ["FineTuned", "single_genre_loss"]


def single_genre_loss(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Compute the cross-entropy over genres, each film divided as by `genre_shares`."""
    shares = labels / labels.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.nn.functional.cross_entropy(
        logits, shares if weights is None else weights * shares
    )


class FineTuned:
    """An encoder with a classification head, fine-tuned as `train` does.

    Args:
        base_model: a hub id, a local folder, or `minilm`.
        options: how to fine-tune.
        folder: of the checkpoints from which an interrupted fit is resumed.
        single_genre: predict one genre (reference [2]) instead of several.
    """

    def __init__(
        self, base_model: str, options: TrainingOptions, folder: Path, *, single_genre: bool
    ) -> None:
        self._base_model = base_model
        self._options = options
        self._folder = folder
        self._single = single_genre

    def fit(self, training: Dataset, development: Dataset, progress: StepProgress) -> float:
        """Fine-tune; the development films are only used for the training log."""
        options = self._options
        self._model, self._tokenizer = load_base_model(
            self._base_model, training.names, options.model, options.seed
        )
        positions = self._model.config.max_position_embeddings
        self._max_length = min(options.model.max_length, positions)
        return fine_tune(
            self._model,
            self._tokenizer,
            training,
            development,
            options.changed(max_length=self._max_length),
            RunFolder(self._folder),
            loss=single_genre_loss if self._single else None,
            resume=True,
            progress=progress,
        )

    def predict_proba(self, films: Dataset) -> npt.NDArray[np.float32]:
        """Predict (films, genres) float32; rows of a single-genre model sum to 1."""
        logits = predict(
            self._model, self._tokenizer, films.texts, self._max_length, as_logits=True
        )
        return probabilities_of(torch.from_numpy(logits), single_genre=self._single)

    @property
    def parameters(self) -> int:
        """The number of parameters of encoder and head."""
        return sum(parameter.numel() for parameter in self._model.parameters())
